/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who allocates most often: call sites by their rate, with the share of blocks that lived no longer
 * than until the next allocation of their thread. A pool or a buffer that is kept would relieve them.
 */
#include <stdlib.h>
#include "../base/xalloc.h"
#include "figures.h"
#include "kinds.h"

enum pool_column {
	COLUMN_PROCESS,
	COLUMN_RATE,
	COLUMN_TEMPORARY,
	COLUMN_AVERAGE,
	COLUMN_ALLOCATED,
	COLUMN_ALLOCS,
	COLUMN_COUNT,
	COLUMN_API,
	COLUMN_FUNCTION,
	COLUMN_SOURCE,
	COLUMN_COUNT_OF
};

static const struct list_column columns[COLUMN_COUNT_OF] = {
	[COLUMN_PROCESS] = {"PROCESS", 7, 0, 3, true, -1},
	[COLUMN_RATE] = {"ALLOC/S", 8, 0, 0, true, SORT_RATE},
	[COLUMN_TEMPORARY] = {"TEMP%", 6, 0, 0, true, GRID_SORT_TEMPORARY},
	[COLUMN_AVERAGE] = {"AVERAGE", 8, 0, 2, true, GRID_SORT_AVERAGE},
	[COLUMN_ALLOCATED] = {"ALLOCATED", 10, 0, 4, true, GRID_SORT_ALLOCATED},
	[COLUMN_ALLOCS] = {"ALLOCS", 7, 0, 6, true, -1},
	[COLUMN_COUNT] = {"COUNT", 6, 0, 5, true, SORT_COUNT},
	[COLUMN_API] = {"API", 14, 0, 8, false, -1},
	[COLUMN_FUNCTION] = {"FUNCTION < CALLERS", 20, 3, 0, false, -1},
	[COLUMN_SOURCE] = {"SOURCE", 16, 2, 7, false, -1},
};

struct pools {
	uint32_t *v; /* indices of the snapshot's sites */
	size_t capacity;
};

static const struct snapshot_site *site_of(const struct grid *t, size_t row)
{
	const struct pools *p = t->own;

	return &t->data->snapshot->sites[p->v[row]];
}

static size_t take_rows(struct grid *t)
{
	const struct snapshot *s = t->data->snapshot;
	struct pools *p = t->own;
	size_t i, count = 0;

	if (!p)
		t->own = p = xcalloc(1, sizeof(*p));
	if (s->site_count > p->capacity) {
		p->v = xrealloc(p->v, s->site_count * sizeof(*p->v));
		p->capacity = s->site_count;
	}
	t->list.hidden = s->process_count > 1 ? 0 : 1u << COLUMN_PROCESS;
	for (i = 0; i < s->site_count; i++) {
		if (s->sites[i].totals.alloc_count)
			p->v[count++] = (uint32_t)i;
	}
	if (t->filter[0])
		view_data_paths(t->data);
	return count;
}

static uint64_t key(const struct grid *t, size_t row)
{
	return site_of(t, row)->site;
}

static uint32_t open_site(const struct grid *t, size_t row)
{
	return site_of(t, row)->site;
}

static double average(const struct totals *t)
{
	return t->alloc_count ? (double)t->alloc_bytes / (double)t->alloc_count : 0;
}

static double value(const struct grid *t, size_t row, int sort)
{
	const struct snapshot_site *site = site_of(t, row);
	const struct totals *totals = &site->totals;

	switch (sort) {
	case GRID_SORT_TEMPORARY:
		return (double)totals->temporary_count / (double)totals->alloc_count;
	case GRID_SORT_AVERAGE: return average(totals);
	case GRID_SORT_ALLOCATED: return (double)totals->alloc_bytes;
	case SORT_COUNT: return (double)totals->outstanding_count;
	default: return site->allocs_per_s;
	}
}

static void cell(struct grid *t, size_t row, size_t column, struct buffer *out, enum style *style)
{
	const struct snapshot *s = t->data->snapshot;
	const struct snapshot_site *site = site_of(t, row);
	const struct totals *totals = &site->totals;
	double temporary = (double)totals->temporary_count / (double)totals->alloc_count;

	switch ((enum pool_column)column) {
	case COLUMN_PROCESS:
		if (site->process < s->process_count)
			buffer_printf(out, "%u", s->processes[site->process].pid);
		break;
	case COLUMN_RATE:
		figure_rate(out, site->allocs_per_s);
		*style = STYLE_STRONG;
		break;
	case COLUMN_TEMPORARY:
		figure_share(out, temporary, 1);
		*style = temporary >= 0.9 ? STYLE_WARN : STYLE_NORMAL;
		break;
	case COLUMN_AVERAGE: figure_bytes(out, (uint64_t)(average(totals) + 0.5)); break;
	case COLUMN_ALLOCATED: figure_bytes(out, totals->alloc_bytes); break;
	case COLUMN_ALLOCS: figure_count(out, totals->alloc_count); break;
	case COLUMN_COUNT: figure_count(out, totals->outstanding_count); break;
	case COLUMN_API: figure_call(out, site->call); break;
	case COLUMN_FUNCTION: figure_function(out, t->data, site); break;
	default: figure_source(out, t->data, site); break;
	}
}

static int match(struct grid *t, size_t row, const char *text)
{
	return view_data_match(t->data, site_of(t, row), text);
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
	.empty = "no allocation seen yet",
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
