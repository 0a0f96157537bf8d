/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one list of the view: columns from a table, a sorting mark, a cursor, scrolling. The rows
 * themselves are the caller's. The main thread only.
 *
 * Invariant after each call: top <= selected < top + height and selected < count (both 0 when the
 * list is empty).
 */
#ifndef VIEW_LIST_H
#define VIEW_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include "../base/buffer.h"
#include "canvas.h"

#define LIST_MAX_COLUMNS 16

struct list_column {
	const char *title;
	int width;	     /* smallest */
	unsigned int weight; /* share of the room that is left; 0: fixed width */
	unsigned int drop;   /* where room is short, the largest goes first; 0: never */
	bool right;
	int sort; /* the caller's key; -1: not sortable */
};

struct list {
	const struct list_column *columns;
	size_t column_count;
	int widths[LIST_MAX_COLUMNS]; /* 0: not shown */
	unsigned int hidden;	      /* bit i: column i has nothing to say now */
	int sort;		      /* key of the sorted column */
	bool ascending;
	size_t count, selected, top;
	size_t height; /* rows in view, without the titles */
};

/* What stands in a cell: text into the empty *out, look into *style (ignored in the selected row).
 */
typedef void list_cell_fn(void *context, size_t row, size_t column, struct buffer *out,
			  enum style *style);
typedef bool list_match_fn(void *context, size_t row);

void list_init(struct list *l, const struct list_column *columns, size_t column_count);
/* Distributes `width` columns of the terminal; after a change of `hidden` too. */
void list_set_width(struct list *l, int width);
void list_set_height(struct list *l, size_t height);
void list_set_count(struct list *l, size_t count);
/* Puts the cursor on a row and that row into view. */
void list_select(struct list *l, size_t row);
void list_move(struct list *l, long rows);
void list_move_pages(struct list *l, long pages);
void list_home(struct list *l);
void list_end(struct list *l);
/* The sort key of the next shown sortable column (step 1 or -1), the same when there is none. */
int list_next_sort(const struct list *l, int step);
/* The first match from the row after `from`, around the end, `from` last. False when nothing
 * matches. */
bool list_find(const struct list *l, size_t from, list_match_fn *match, void *context, size_t *row);
/* Titles in line y, rows below; leaves nothing of what was there before. */
void list_draw(const struct list *l, struct canvas *canvas, int y, list_cell_fn *cell,
	       void *context);
/* The column that is shown at x, -1: none. */
int list_column_at(const struct list *l, int x);

#endif /* VIEW_LIST_H */
