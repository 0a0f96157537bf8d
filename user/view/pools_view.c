/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Call sites that a pool or a kept buffer would relieve: rows of analyse/pools.h. */
#include <stdlib.h>
#include "../analyse/pools.h"
#include "../base/xalloc.h"
#include "figures.h"
#include "kinds.h"

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

struct pools {
	struct pool_row *v;
};

static const struct pool_row *row_of(const struct grid *t, size_t row)
{
	return &((const struct pools *)t->own)->v[row];
}

/* Rows point into the snapshot, which stays until they are taken anew. */
static size_t take_rows(struct grid *t)
{
	const struct snapshot *s = t->data->snapshot;
	struct pools *p = t->own;

	if (!p)
		t->own = p = xcalloc(1, sizeof(*p));
	free(p->v);
	t->list.hidden = s->process_count > 1 ? 0 : 1u << COLUMN_PROCESS;
	if (t->filter[0])
		view_data_paths(t->data);
	return pools_find(s, &p->v);
}

static uint64_t key(const struct grid *t, size_t row)
{
	return row_of(t, row)->site->site;
}

static uint32_t open_site(const struct grid *t, size_t row)
{
	return row_of(t, row)->site->site;
}

static double value(const struct grid *t, size_t row, int sort)
{
	const struct pool_row *r = row_of(t, row);

	switch (sort) {
	case GRID_SORT_TEMPORARY: return r->temporary_share;
	case GRID_SORT_AVERAGE: return r->mean_bytes;
	case SORT_OLDEST: return r->life_s;
	case SORT_COUNT: return (double)r->blocks;
	case SORT_OUTSTANDING: return (double)r->bytes;
	default: return r->calls_per_s;
	}
}

static void cell(struct grid *t, size_t row, size_t column, struct buffer *out, enum style *style)
{
	const struct snapshot *s = t->data->snapshot;
	const struct pool_row *r = row_of(t, row);

	switch ((enum pool_column)column) {
	case COLUMN_PROCESS:
		if (r->site->process < s->process_count)
			buffer_printf(out, "%u", s->processes[r->site->process].pid);
		break;
	case COLUMN_SPARED:
		figure_rate(out, r->calls_per_s);
		*style = STYLE_STRONG;
		break;
	case COLUMN_RATE: figure_rate(out, r->allocs_per_s); break;
	case COLUMN_TEMPORARY: figure_share(out, r->temporary_share, 1); break;
	case COLUMN_AVERAGE: figure_bytes(out, (uint64_t)(r->mean_bytes + 0.5)); break;
	case COLUMN_LIFE: figure_time(out, r->life_s); break;
	case COLUMN_BLOCKS: figure_count(out, r->blocks); break;
	case COLUMN_BYTES: figure_bytes(out, r->bytes); break;
	case COLUMN_FUNCTION: figure_function(out, t->data, r->site); break;
	case COLUMN_ADVICE:
		buffer_add_string(out, pool_advice_text(r->advice));
		*style = STYLE_GOOD;
		break;
	default: figure_source(out, t->data, r->site); break;
	}
}

static int match(struct grid *t, size_t row, const char *text)
{
	return view_data_match(t->data, row_of(t, row)->site, text);
}

static void done(struct grid *t)
{
	struct pools *p = t->own;

	if (p)
		free(p->v);
	free(p);
	t->own = NULL;
}

const struct grid_kind pools_kind = {
	.name = "Pools",
	.noun = "call site",
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
