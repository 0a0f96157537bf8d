/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list widget. Input is a table of columns and the numbers of rows and lines; the caller draws
 * cells on request. The cursor is a row number: who sorts anew moves it to where its row has gone.
 * Invariant: see the header; it is restored at the end of each change by list_settle(), whatever
 * the new numbers are.
 */
#include "list.h"

#include <string.h>
#include "text.h"

static void list_settle(struct list *l)
{
	size_t height = l->height ? l->height : 1;

	if (l->count == 0) {
		l->selected = l->top = 0;
		return;
	}
	if (l->selected >= l->count)
		l->selected = l->count - 1;
	if (l->top > l->selected)
		l->top = l->selected;
	if (l->selected - l->top >= height)
		l->top = l->selected - height + 1;
	/* No empty lines below the last row while there are rows above. */
	if (l->count - l->top < height)
		l->top = l->count > height ? l->count - height : 0;
}

void list_init(struct list *l, const struct list_column *columns, size_t column_count)
{
	memset(l, 0, sizeof(*l));
	l->columns = columns;
	l->column_count = column_count < LIST_MAX_COLUMNS ? column_count : LIST_MAX_COLUMNS;
	l->sort = -1;
}

/* Columns that the shown ones take at least, with one blank between two. */
static int needed_width(const struct list *l)
{
	int needed = -1;
	size_t i;

	for (i = 0; i < l->column_count; i++)
		needed += l->widths[i] ? l->widths[i] + 1 : 0;
	return needed;
}

/* False when no shown column may go. */
static bool drop_one(struct list *l)
{
	size_t i, victim = l->column_count;

	for (i = 0; i < l->column_count; i++) {
		if (!l->widths[i] || !l->columns[i].drop)
			continue;
		if (victim == l->column_count || l->columns[i].drop > l->columns[victim].drop)
			victim = i;
	}
	if (victim == l->column_count)
		return false;
	l->widths[victim] = 0;
	return true;
}

static void share_rest(struct list *l, int rest)
{
	unsigned int weights = 0;
	size_t i;

	for (i = 0; i < l->column_count; i++)
		weights += l->widths[i] ? l->columns[i].weight : 0;
	for (i = 0; i < l->column_count && rest > 0 && weights > 0; i++) {
		unsigned int weight = l->widths[i] ? l->columns[i].weight : 0;
		int share = rest * (int)weight / (int)weights;

		l->widths[i] += share;
		rest -= share;
		weights -= weight;
	}
}

void list_set_width(struct list *l, int width)
{
	size_t i;

	for (i = 0; i < l->column_count; i++)
		l->widths[i] = l->hidden >> i & 1 ? 0 : l->columns[i].width;
	while (needed_width(l) > width && drop_one(l))
		;
	share_rest(l, width - needed_width(l));
}

void list_set_height(struct list *l, size_t height)
{
	l->height = height;
	list_settle(l);
}

void list_set_count(struct list *l, size_t count)
{
	l->count = count;
	list_settle(l);
}

void list_select(struct list *l, size_t row)
{
	l->selected = row;
	list_settle(l);
}

void list_move(struct list *l, long rows)
{
	size_t distance = rows < 0 ? (size_t)-rows : (size_t)rows;

	if (rows < 0)
		l->selected -= distance < l->selected ? distance : l->selected;
	else
		l->selected = distance < l->count - l->selected ? l->selected + distance : l->count;
	list_settle(l);
}

void list_move_pages(struct list *l, long pages)
{
	size_t step = l->height > 1 ? l->height - 1 : 1;
	size_t old_top = l->top, room;

	/* The window moves with the cursor, so that a page is a page also from its middle. */
	if (pages < 0)
		l->top -= step < l->top ? step : l->top;
	else if (l->count > l->height) {
		room = l->count - l->height - l->top;
		l->top += step < room ? step : room;
	}
	if (l->top == old_top) {
		list_move(l, pages < 0 ? -(long)l->selected : (long)l->count);
		return;
	}
	if (l->top > old_top)
		l->selected += l->top - old_top;
	else
		l->selected -= old_top - l->top;
	list_settle(l);
}

void list_home(struct list *l)
{
	list_select(l, 0);
}

void list_end(struct list *l)
{
	list_select(l, l->count);
}

int list_next_sort(const struct list *l, int step)
{
	size_t i, at = step > 0 ? l->column_count - 1 : 0;

	for (i = 0; i < l->column_count; i++) {
		if (l->columns[i].sort >= 0 && l->columns[i].sort == l->sort)
			at = i;
	}
	for (i = 0; i < l->column_count; i++) {
		at = step > 0 ? (at + 1) % l->column_count
			      : (at + l->column_count - 1) % l->column_count;
		if (l->columns[at].sort >= 0 && l->widths[at])
			return l->columns[at].sort;
	}
	return l->sort;
}

bool list_find(const struct list *l, size_t from, list_match_fn *match, void *context, size_t *row)
{
	size_t i;

	for (i = 1; i <= l->count; i++) {
		*row = (from + i) % l->count;
		if (match(context, *row))
			return true;
	}
	return false;
}

int list_column_at(const struct list *l, int x)
{
	size_t i;
	int start = 0;

	for (i = 0; i < l->column_count; i++) {
		if (!l->widths[i])
			continue;
		if (x >= start && x < start + l->widths[i])
			return (int)i;
		start += l->widths[i] + 1;
	}
	return -1;
}

/* A title with the sorting mark, so that the order is seen without colours too. */
static void add_title(const struct list *l, const struct list_column *c, bool utf8,
		      struct buffer *title)
{
	buffer_reset(title);
	buffer_add_string(title, c->title);
	if (c->sort < 0 || c->sort != l->sort)
		return;
	if (utf8)
		buffer_add_string(title, l->ascending ? "△" : "▽");
	else
		buffer_add_char(title, l->ascending ? '^' : 'v');
}

static void draw_titles(const struct list *l, struct canvas *canvas, int y)
{
	struct buffer title = {0};
	size_t i;
	int x = 0;

	canvas_blank(canvas, y, 0, canvas->width, STYLE_HEADER);
	for (i = 0; i < l->column_count; i++) {
		const struct list_column *c = &l->columns[i];
		bool sorted = c->sort >= 0 && c->sort == l->sort;
		int room = x + l->widths[i] > canvas->width ? canvas->width - x : l->widths[i];

		if (!l->widths[i] || room <= 0)
			continue;
		add_title(l, c, canvas->utf8, &title);
		canvas_put(canvas, y, x, room, c->right ? TEXT_RIGHT : TEXT_LEFT,
			   sorted ? STYLE_SORTED : STYLE_HEADER, title.data);
		x += l->widths[i] + 1;
	}
	buffer_done(&title);
}

static void draw_row(const struct list *l, struct canvas *canvas, int y, size_t row,
		     list_cell_fn *cell, void *context, struct buffer *content)
{
	bool selected = row == l->selected;
	size_t i;
	int x = 0;

	canvas_blank(canvas, y, 0, canvas->width, selected ? STYLE_SELECTED : STYLE_NORMAL);
	for (i = 0; i < l->column_count; i++) {
		enum style style = STYLE_NORMAL;
		int room = x + l->widths[i] > canvas->width ? canvas->width - x : l->widths[i];

		if (!l->widths[i] || room <= 0)
			continue;
		buffer_reset(content);
		buffer_add(content, "", 0);
		cell(context, row, i, content, &style);
		canvas_put(canvas, y, x, room, l->columns[i].right ? TEXT_RIGHT : TEXT_LEFT,
			   selected ? STYLE_SELECTED : style, content->data);
		x += l->widths[i] + 1;
	}
}

void list_draw(const struct list *l, struct canvas *canvas, int y, list_cell_fn *cell,
	       void *context)
{
	struct buffer content = {0};
	size_t line;

	draw_titles(l, canvas, y);
	for (line = 0; line < l->height; line++) {
		size_t row = l->top + line;

		if (row < l->count)
			draw_row(l, canvas, y + 1 + (int)line, row, cell, context, &content);
		else
			canvas_blank(canvas, y + 1 + (int)line, 0, canvas->width, STYLE_NORMAL);
	}
	buffer_done(&content);
}
