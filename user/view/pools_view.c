/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pools of Go programs, with what they spare now, and call sites that a pool or a kept buffer would relieve: rows of analyse/go_pools.h and
 * analyse/pools.h. What a pool spares is the gets that found something, each of which is an allocation less.
 */
#include <stdlib.h>
#include <string.h>
#include "../analyse/pools.h"
#include "../base/xalloc.h"
#include "figures.h"
#include "kinds.h"
#include "report_go_pools.h"

enum pool_column {
	COLUMN_PROCESS,
	COLUMN_SPARED,
	COLUMN_RATE,
	COLUMN_TEMPORARY,
	COLUMN_AVERAGE,
	COLUMN_LIFE,
	COLUMN_BLOCKS,
	COLUMN_BYTES,
	COLUMN_FUNCTION,
	COLUMN_ADVICE,
	COLUMN_SOURCE,
	COLUMN_COUNT_OF
};

static const struct list_column columns[COLUMN_COUNT_OF] = {
	[COLUMN_PROCESS] = {"PROCESS", 7, 0, 3, true, -1},
	[COLUMN_SPARED] = {"SPARED/S", 9, 0, 0, true, SORT_RATE},
	[COLUMN_RATE] = {"ALLOC/S", 8, 0, 5, true, -1},
	[COLUMN_TEMPORARY] = {"TEMP%", 6, 0, 2, true, GRID_SORT_TEMPORARY},
	[COLUMN_AVERAGE] = {"AVERAGE", 8, 0, 4, true, GRID_SORT_AVERAGE},
	[COLUMN_LIFE] = {"LIFE", 7, 0, 6, true, SORT_OLDEST},
	[COLUMN_BLOCKS] = {"BLOCKS", 7, 0, 1, true, SORT_COUNT},
	[COLUMN_BYTES] = {"BYTES", 7, 0, 8, true, SORT_OUTSTANDING},
	[COLUMN_FUNCTION] = {"FUNCTION < CALLERS", 20, 3, 0, false, -1},
	[COLUMN_ADVICE] = {"ADVICE", 24, 1, 7, false, -1},
	[COLUMN_SOURCE] = {"SOURCE", 16, 1, 9, false, -1},
};

/* One or the other. */
struct row {
	const struct pool_row *site;
	const struct go_pool *pool;
	const struct snapshot_process *process; /* of a pool */
};

struct pools {
	struct pool_row *sites;
	struct row *v;
};

static const struct row *row_of(const struct grid *t, size_t row)
{
	return &((const struct pools *)t->own)->v[row];
}

static size_t count_go_pools(const struct snapshot *s)
{
	size_t i, count = 0;

	for (i = 0; i < s->process_count; i++)
		count += s->processes[i].go_pools.count;
	return count;
}

static size_t add_go_pools(const struct snapshot *s, struct row *rows)
{
	size_t i, k, count = 0;

	for (i = 0; i < s->process_count; i++) {
		const struct snapshot_process *p = &s->processes[i];

		for (k = 0; k < p->go_pools.count; k++)
			rows[count++] = (struct row){.pool = &p->go_pools.v[k], .process = p};
	}
	return count;
}

/* Rows point into the snapshot, which stays until they are taken anew. */
static size_t take_rows(struct grid *t)
{
	const struct snapshot *s = t->data->snapshot;
	struct pools *p = grid_own(t, sizeof(*p));
	size_t sites, count, i;

	free(p->sites);
	free(p->v);
	grid_hide_process(t, COLUMN_PROCESS);
	if (t->filter[0])
		view_data_paths(t->data);
	sites = pools_find(s, &p->sites);
	p->v = xcalloc(sites + count_go_pools(s) + 1, sizeof(*p->v));
	count = add_go_pools(s, p->v);
	for (i = 0; i < sites; i++)
		p->v[count++].site = &p->sites[i];
	return count;
}

/* Addresses are no small numbers, as those of sites are. */
static uint64_t key(const struct grid *t, size_t row)
{
	const struct row *r = row_of(t, row);

	return r->pool ? r->pool->facts.address ^ (uint64_t)r->process->number << 48
		       : r->site->site->site;
}

static uint32_t open_site(const struct grid *t, size_t row)
{
	const struct row *r = row_of(t, row);

	return r->pool ? 0 : r->site->site->site;
}

static double per_s(const struct row *r, uint64_t count)
{
	uint64_t covered_ns = r->process->go_pools.covered_ns;

	return covered_ns ? (double)count * 1e9 / (double)covered_ns : 0;
}

static double spared_per_s(const struct row *r)
{
	const struct go_pool *pool = r->pool;

	return per_s(r, pool->gets > pool->misses ? pool->gets - pool->misses : 0);
}

static double pool_value(const struct row *r, int sort)
{
	switch (sort) {
	case GRID_SORT_AVERAGE: return (double)r->pool->facts.bytes;
	case SORT_RATE: return spared_per_s(r);
	default: return 0;
	}
}

static double value(const struct grid *t, size_t row, int sort)
{
	const struct row *r = row_of(t, row);

	if (r->pool)
		return pool_value(r, sort);
	switch (sort) {
	case GRID_SORT_TEMPORARY: return r->site->temporary_share;
	case GRID_SORT_AVERAGE: return r->site->mean_bytes;
	case SORT_OLDEST: return r->site->life_s;
	case SORT_COUNT: return (double)r->site->blocks;
	case SORT_OUTSTANDING: return (double)r->site->bytes;
	default: return r->site->calls_per_s;
	}
}

static void add_pool_name(const struct row *r, struct buffer *out)
{
	buffer_add_string(out, "sync.Pool ");
	go_pool_add_name(r->pool, out);
}

static void add_pool_advice(const struct row *r, struct buffer *out, enum style *style)
{
	struct buffer advice = {0};

	report_go_pool_hits(out, &r->process->go_pools, r->pool);
	go_pool_add_advice(&r->process->go_pools, r->pool, &advice);
	if (advice.length) {
		buffer_printf(out, "%s%s", out->length ? "; " : "", advice.data);
		*style = STYLE_WARN;
	}
	buffer_done(&advice);
}

static void pool_cell(const struct row *r, enum pool_column column, struct buffer *out,
		      enum style *style)
{
	bool counted = r->process->go_pools.covered_ns > 0;

	switch (column) {
	case COLUMN_PROCESS: buffer_printf(out, "%u", r->process->pid); break;
	case COLUMN_SPARED:
		if (counted && r->process->go_pools.sees_misses)
			figure_rate(out, spared_per_s(r));
		break;
	case COLUMN_RATE:
		if (counted)
			figure_rate(out, per_s(r, r->pool->gets));
		break;
	case COLUMN_AVERAGE:
		if (r->pool->facts.bytes)
			figure_bytes(out, r->pool->facts.bytes);
		break;
	case COLUMN_FUNCTION: add_pool_name(r, out); break;
	case COLUMN_ADVICE: add_pool_advice(r, out, style); break;
	case COLUMN_SOURCE: buffer_add_clean(out, r->pool->facts.made_by); break;
	default: break;
	}
}

static void site_cell(struct grid *t, const struct pool_row *r, enum pool_column column,
		      struct buffer *out, enum style *style)
{
	const struct snapshot *s = t->data->snapshot;

	switch (column) {
	case COLUMN_PROCESS:
		if (r->site->process < s->process_count)
			buffer_printf(out, "%u", s->processes[r->site->process].pid);
		break;
	case COLUMN_SPARED:
		figure_rate(out, r->calls_per_s);
		*style = STYLE_STRONG;
		break;
	case COLUMN_RATE: figure_rate(out, r->allocs_per_s); break;
	case COLUMN_TEMPORARY:
		if (r->advice != POOL_SYNC)
			figure_share(out, r->temporary_share, 1);
		break;
	case COLUMN_AVERAGE: figure_bytes(out, (uint64_t)(r->mean_bytes + 0.5)); break;
	case COLUMN_LIFE: figure_time(out, r->life_s); break;
	case COLUMN_BLOCKS:
		if (r->blocks)
			figure_count(out, r->blocks);
		break;
	case COLUMN_BYTES:
		if (r->blocks)
			figure_bytes(out, r->bytes);
		break;
	case COLUMN_FUNCTION: figure_function(out, t->data, r->site); break;
	case COLUMN_ADVICE:
		buffer_add_string(out, pool_advice_text(r->advice));
		*style = STYLE_GOOD;
		break;
	default: figure_source(out, t->data, r->site); break;
	}
}

static void cell(struct grid *t, size_t row, size_t column, struct buffer *out, enum style *style)
{
	const struct row *r = row_of(t, row);

	if (r->pool)
		pool_cell(r, (enum pool_column)column, out, style);
	else
		site_cell(t, r->site, (enum pool_column)column, out, style);
}

static int match(struct grid *t, size_t row, const char *text)
{
	const struct row *r = row_of(t, row);
	struct buffer name = {0};
	int found;

	if (!r->pool)
		return view_data_match(t->data, r->site->site, text);
	add_pool_name(r, &name);
	found = strcasestr(name.data, text) != NULL;
	buffer_done(&name);
	return found;
}

static void done(void *own)
{
	struct pools *p = own;

	free(p->sites);
	free(p->v);
}

const struct grid_kind pools_kind = {
	.name = "Pools",
	.noun = "pool or call site",
	.empty = "no site churns so that a pool would help",
	.columns = columns,
	.column_count = COLUMN_COUNT_OF,
	.first_sort = SORT_RATE,
	.rows = take_rows,
	.key = key,
	.value = value,
	.cell = cell,
	.match = match,
	.site = open_site,
	.done = done,
};
