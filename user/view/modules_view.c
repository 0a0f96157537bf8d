/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sums by module: the program or library that the site's function is in. Input are the paths of the
 * sites; sites without one yet are left out and said.
 */
#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"
#include "figures.h"
#include "kinds.h"
#include "text.h"

enum module_column {
	COLUMN_OUTSTANDING,
	COLUMN_SHARE,
	COLUMN_COUNT,
	COLUMN_GROWTH,
	COLUMN_RATE,
	COLUMN_TEMPORARY,
	COLUMN_OLDEST,
	COLUMN_SITES,
	COLUMN_LEAKS,
	COLUMN_MODULE,
	COLUMN_COUNT_OF
};

static const struct list_column columns[COLUMN_COUNT_OF] = {
	[COLUMN_OUTSTANDING] = {"OUTSTAND", 9, 0, 0, true, SORT_OUTSTANDING},
	[COLUMN_SHARE] = {"%", 5, 0, 4, true, -1},
	[COLUMN_COUNT] = {"COUNT", 6, 0, 5, true, SORT_COUNT},
	[COLUMN_GROWTH] = {"GROWTH", 7, 0, 1, true, SORT_GROWTH},
	[COLUMN_RATE] = {"ALLOC/S", 8, 0, 3, true, SORT_RATE},
	[COLUMN_TEMPORARY] = {"TEMP%", 6, 0, 7, true, GRID_SORT_TEMPORARY},
	[COLUMN_OLDEST] = {"OLDEST", 7, 0, 8, true, SORT_OLDEST},
	[COLUMN_SITES] = {"SITES", 6, 0, 6, true, GRID_SORT_SITES},
	[COLUMN_LEAKS] = {"LEAKS", 6, 0, 2, true, GRID_SORT_LEAKS},
	[COLUMN_MODULE] = {"MODULE", 16, 1, 0, false, -1},
};

struct module_row {
	uint32_t id; /* of paths.h */
	uint32_t place;
	struct site_sums sums;
};

struct modules {
	struct module_row *v;
	size_t count, capacity;
	int64_t total_bytes;
	size_t missing; /* sites that were not looked at yet */
};

static struct modules *modules_of(const struct grid *t)
{
	return t->own;
}

static struct module_row *find_row(struct modules *m, uint32_t id)
{
	size_t i;

	for (i = 0; i < m->count; i++) {
		if (m->v[i].id == id)
			return &m->v[i];
	}
	if (m->count == m->capacity) {
		m->capacity = m->capacity ? m->capacity * 2 : 16;
		m->v = xrealloc(m->v, m->capacity * sizeof(*m->v));
	}
	m->v[m->count] = (struct module_row){.id = id};
	return &m->v[m->count++];
}

static size_t sum_up(struct grid *t)
{
	const struct snapshot *s = t->data->snapshot;
	struct modules *m = grid_own(t, sizeof(*m));
	size_t i;

	m->missing = view_data_paths(t->data);
	m->count = 0;
	m->total_bytes = 0;
	for (i = 0; i < s->site_count; i++) {
		const struct path *path = paths_get(&t->data->paths, s->sites[i].site);
		uint32_t place = path && path->count ? path->places[0] : 0;
		struct module_row *row;

		if (!path)
			continue;
		row = find_row(m, place ? t->data->paths.places[place].module_id : 0);
		row->place = place;
		site_sums_add(&row->sums, &s->sites[i]);
		m->total_bytes += amounts_of(&s->sites[i].totals, s->sites[i].change).bytes;
	}
	return m->count;
}

static uint64_t key(const struct grid *t, size_t row)
{
	return modules_of(t)->v[row].id;
}

static uint32_t open_site(const struct grid *t, size_t row)
{
	const struct site_sums *sums = &modules_of(t)->v[row].sums;

	return sums->sites == 1 ? sums->largest : 0;
}

static double value(const struct grid *t, size_t row, int sort)
{
	return site_sums_value(&modules_of(t)->v[row].sums, sort);
}

static const char *name_of(const struct grid *t, size_t row)
{
	uint32_t place = modules_of(t)->v[row].place;
	const char *name = place ? t->data->paths.places[place].module : "";

	return *name ? name : "[unknown]";
}

static void cell(struct grid *t, size_t row, size_t column, struct buffer *out, enum style *style)
{
	const struct site_sums *sums = &modules_of(t)->v[row].sums;

	switch ((enum module_column)column) {
	case COLUMN_SHARE:
		figure_share(out, (double)sums->amounts.bytes, (double)modules_of(t)->total_bytes);
		break;
	case COLUMN_MODULE: buffer_add_string(out, name_of(t, row)); break;
	default: site_sums_cell(out, sums, columns[column].sort, style); break;
	}
}

static int match(struct grid *t, size_t row, const char *text)
{
	return text_contains(name_of(t, row), text);
}

static void note(const struct grid *t, struct buffer *out)
{
	if (t->own && modules_of(t)->missing)
		buffer_printf(out, "%zu sites to look at", modules_of(t)->missing);
}

static void done(void *own)
{
	free(((struct modules *)own)->v);
}

const struct grid_kind modules_kind = {
	.name = "Modules",
	.noun = "module",
	.empty = "no allocation seen yet",
	.columns = columns,
	.column_count = COLUMN_COUNT_OF,
	.first_sort = SORT_OUTSTANDING,
	.late = true,
	.rows = sum_up,
	.key = key,
	.value = value,
	.cell = cell,
	.match = match,
	.site = open_site,
	.note = note,
	.done = done,
};
