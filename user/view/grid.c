/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of a page. Input is what the kind says of its rows; values are taken once per row before
 * sorting, so that ten thousand rows take a millisecond or two.
 *
 * Invariant: order[0 .. list.count) are rows of the present snapshot, and once the user has moved
 * the cursor it is on the row with the same key for as long as that is shown.
 */
#include "grid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"
#include "line.h"

struct sortable {
	double value;
	uint64_t key;
	uint32_t row;
};

const char *grid_sort_name(int sort)
{
	static const char *const names[GRID_SORTS] = {
		[SORT_OUTSTANDING] = "outstanding bytes",
		[SORT_COUNT] = "number of blocks",
		[SORT_GROWTH] = "growth",
		[SORT_SCORE] = "leak score",
		[SORT_RATE] = "allocations per second",
		[SORT_OLDEST] = "age of the oldest block",
		[SORT_PEAK] = "peak",
		[SORT_AT_PEAK] = "bytes at the peak of the process",
		[GRID_SORT_RSS] = "resident memory",
		[GRID_SORT_ID] = "number",
		[GRID_SORT_TEMPORARY] = "share of temporary allocations",
		[GRID_SORT_SITES] = "number of sites",
		[GRID_SORT_LEAKS] = "number of leaks",
		[GRID_SORT_LOST] = "lost events",
		[GRID_SORT_FREES] = "frees per second",
		[GRID_SORT_AVERAGE] = "average size",
		[GRID_SORT_ALLOCATED] = "bytes allocated so far",
		[GRID_SORT_TIME] = "time",
		[GRID_SORT_WAIT] = "longest wait",
	};

	return sort >= 0 && sort < GRID_SORTS ? names[sort] : "";
}

static bool has_sort(const struct grid *t, int sort)
{
	size_t i;

	for (i = 0; i < t->kind->column_count; i++) {
		if (t->kind->columns[i].sort == sort)
			return true;
	}
	return false;
}

void grid_init(struct grid *t, const struct grid_kind *kind, struct view_data *data, int sort)
{
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->data = data;
	list_init(&t->list, kind->columns, kind->column_count);
	t->sort = kind->first_sort >= 0 ? kind->first_sort : sort;
	if (!has_sort(t, t->sort))
		t->sort = SORT_OUTSTANDING;
}

void grid_done(struct grid *t)
{
	if (t->own && t->kind->done)
		t->kind->done(t->own);
	free(t->own);
	t->own = NULL;
	free(t->order);
	t->order = NULL;
}

void *grid_own(struct grid *t, size_t size)
{
	if (!t->own)
		t->own = xcalloc(1, size);
	return t->own;
}

void grid_hide_process(struct grid *t, size_t column)
{
	t->list.hidden = t->data->snapshot->process_count > 1 ? 0 : 1u << column;
}

static uint64_t key_at(const struct grid *t, size_t line)
{
	return t->kind->key(t, t->order[line]);
}

bool grid_select_key(struct grid *t, uint64_t key)
{
	size_t i;

	for (i = 0; i < t->list.count; i++) {
		if (key_at(t, i) == key) {
			list_select(&t->list, i);
			return true;
		}
	}
	return false;
}

static void place_cursor(struct grid *t)
{
	if (!t->follows)
		list_home(&t->list);
	else
		grid_select_key(t, t->cursor_key);
}

static int compare_down(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static int compare_up(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static void order_rows(struct grid *t, size_t count)
{
	struct sortable *v = xcalloc(count + 1, sizeof(*v));
	size_t i;

	for (i = 0; i < count; i++) {
		double value = t->kind->value(t, t->order[i], t->sort);

		v[i] = (struct sortable){.value = isnan(value) ? -HUGE_VAL : value,
					 .row = t->order[i]};
		v[i].key = t->kind->key(t, v[i].row);
	}
	qsort(v, count, sizeof(*v), t->inverted ? compare_up : compare_down);
	for (i = 0; i < count; i++)
		t->order[i] = v[i].row;
	free(v);
}

static bool passes(struct grid *t, size_t row)
{
	int match;

	if (!t->filter[0] || t->kind->keeps_order)
		return true;
	match = t->kind->match(t, row, t->filter);
	t->unknown += match < 0;
	return match > 0;
}

void grid_update(struct grid *t)
{
	size_t i, count = 0, total;

	view_data_begin(t->data);
	t->unknown = 0;
	total = t->data->snapshot ? t->kind->rows(t) : 0;
	if (total > t->order_capacity) {
		t->order = xrealloc(t->order, total * sizeof(*t->order));
		t->order_capacity = total;
	}
	for (i = 0; i < total; i++) {
		if (passes(t, i))
			t->order[count++] = (uint32_t)i;
	}
	if (!t->kind->keeps_order)
		order_rows(t, count);
	list_set_count(&t->list, count);
	place_cursor(t);
}

bool grid_sort(struct grid *t, int sort, bool inverted)
{
	if (!has_sort(t, sort))
		return false;
	t->sort = sort;
	t->inverted = inverted;
	/* Who asks for another order wants to see what comes first in it. */
	t->follows = false;
	grid_update(t);
	return true;
}

void grid_filter(struct grid *t, const char *text)
{
	snprintf(t->filter, sizeof(t->filter), "%s", text);
	grid_update(t);
}

static bool line_matches(void *context, size_t line)
{
	struct grid *t = context;

	return t->kind->match(t, t->order[line], t->search) > 0;
}

bool grid_search(struct grid *t, const char *text, bool stay)
{
	size_t from = t->list.selected, line;

	if (text != t->search)
		snprintf(t->search, sizeof(t->search), "%s", text);
	if (!t->list.count || !t->search[0])
		return false;
	view_data_begin(t->data);
	if (stay)
		from = from ? from - 1 : t->list.count - 1;
	if (!list_find(&t->list, from, line_matches, t, &line))
		return false;
	list_select(&t->list, line);
	grid_moved(t);
	t->follows = true;
	return true;
}

void grid_moved(struct grid *t)
{
	t->follows = t->list.count && t->list.selected > 0;
	t->cursor_key = t->list.count ? key_at(t, t->list.selected) : 0;
}

bool grid_selected(const struct grid *t, size_t *row)
{
	if (!t->data->snapshot || !t->list.count)
		return false;
	*row = t->order[t->list.selected];
	return true;
}

static void draw_cell(void *context, size_t line, size_t column, struct buffer *out,
		      enum style *style)
{
	struct grid *t = context;

	t->kind->cell(t, t->order[line], column, out, style);
}

static void draw_empty(const struct grid *t, struct canvas *canvas, int y)
{
	struct buffer text = {0};
	struct line l;

	if (t->unknown)
		buffer_add_string(&text, "looking up names...");
	else if (t->filter[0])
		buffer_printf(&text, "no %s matches the filter (Esc: show all)", t->kind->noun);
	else
		buffer_add_string(&text, t->kind->empty);
	line_begin(&l, canvas, y, STYLE_NORMAL);
	line_cut(&l, STYLE_FAINT, text.data, 0);
	buffer_done(&text);
}

void grid_draw(struct grid *t, struct canvas *canvas, int y, int height)
{
	list_set_width(&t->list, canvas->width);
	list_set_height(&t->list, height > 1 ? (size_t)height - 1 : 0);
	t->list.sort = t->sort;
	t->list.ascending = t->inverted;
	view_data_begin(t->data);
	list_draw(&t->list, canvas, y, draw_cell, t);
	if (!t->list.count && height > 1)
		draw_empty(t, canvas, y + 1);
}
