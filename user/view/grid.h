/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page of rows: a kind says what its columns and rows are, the table sorts, filters, searches and
 * keeps the cursor on its row from one snapshot to the next. All list pages are kinds of this one.
 * The main thread only.
 */
#ifndef VIEW_GRID_H
#define VIEW_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "list.h"
#include "view_data.h"

#define GRID_TEXT 64

/* Keys of columns beside those of enum sort_key. */
enum grid_sort {
	GRID_SORT_RSS = SORT_KEYS,
	GRID_SORT_ID,
	GRID_SORT_TEMPORARY,
	GRID_SORT_SITES,
	GRID_SORT_LEAKS,
	GRID_SORT_LOST,
	GRID_SORT_FREES,
	GRID_SORT_AVERAGE,
	GRID_SORT_ALLOCATED,
	GRID_SORT_TIME,
	GRID_SORT_WAIT,
	GRID_SORTS
};

struct grid;

/* Rows are numbered by the kind, from 0; the table shows them in its own order. */
struct grid_kind {
	const char *name;  /* in the line of pages */
	const char *noun;  /* "no NOUN matches the filter" */
	const char *empty; /* while there is no row */
	const struct list_column *columns;
	size_t column_count;
	int first_sort;	  /* -1: as sites, by the command line */
	bool keeps_order; /* the kind sorts and filters */
	bool late;	  /* rows come from more than the snapshot, after it too */
	/* Rows of the present snapshot: how many. `unknown` of the table: those the filter cannot
	 * judge. */
	size_t (*rows)(struct grid *t);
	/* What stays the same for a row from one snapshot to the next. */
	uint64_t (*key)(const struct grid *t, size_t row);
	double (*value)(const struct grid *t, size_t row, int sort);
	void (*cell)(struct grid *t, size_t row, size_t column, struct buffer *out,
		     enum style *style);
	/* 1, 0, or -1 while it is not known */
	int (*match)(struct grid *t, size_t row, const char *text);
	/* Heap index of the site that Enter opens, 0: none. NULL: no row has one. */
	uint32_t (*site)(const struct grid *t, size_t row);
	/* What else stands in the bottom line; may be NULL. */
	void (*note)(const struct grid *t, struct buffer *out);
	/* Frees what grid.own holds, not itself; only when there is one. NULL: nothing. */
	void (*done)(void *own);
};

struct grid {
	const struct grid_kind *kind;
	struct view_data *data;
	void *own; /* of the kind, from grid_own(); NULL: none yet */
	struct list list;
	uint32_t *order; /* shown rows, in order */
	size_t order_capacity;
	int sort;
	bool inverted;
	bool follows; /* the cursor was moved: it stays on its row */
	uint64_t cursor_key;
	char filter[GRID_TEXT], search[GRID_TEXT];
	size_t unknown; /* rows that the filter could not judge yet */
};

void grid_init(struct grid *t, const struct grid_kind *kind, struct view_data *data, int sort);
void grid_done(struct grid *t);
/* Takes the rows anew: after a new snapshot, and whenever the kind's rows have changed. */
void grid_update(struct grid *t);
/* False when no column is sorted by that. */
bool grid_sort(struct grid *t, int sort, bool inverted);
void grid_filter(struct grid *t, const char *text);
/* Puts the cursor on the next match; with `stay` the present row counts too. False when there is
 * none. */
bool grid_search(struct grid *t, const char *text, bool stay);
/* After the cursor was moved by a key. */
void grid_moved(struct grid *t);
/* The kind's number of the row under the cursor; false when there is none. */
bool grid_selected(const struct grid *t, size_t *row);
/* Puts the cursor on the row with that key, when it is shown. */
bool grid_select_key(struct grid *t, uint64_t key);
void grid_draw(struct grid *t, struct canvas *canvas, int y, int height);
/* For a kind, as it takes its rows: what it keeps, so many bytes, zeros at first. */
void *grid_own(struct grid *t, size_t size);
/* The same: this column, which says of which process a row is, is shown while there are several. */
void grid_hide_process(struct grid *t, size_t column);
/* For people: what a sort key sorts by. */
const char *grid_sort_name(int sort);

#endif /* VIEW_GRID_H */
