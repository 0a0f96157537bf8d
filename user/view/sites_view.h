/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of call sites: sorted, filtered, searched, with a cursor that stays on its site. The
 * main thread only. */
#ifndef VIEW_SITES_VIEW_H
#define VIEW_SITES_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../analyse/snapshot.h"
#include "list.h"
#include "report.h"

#define SITES_VIEW_TEXT 64

struct sites_view {
	struct list list;
	struct snapshot *snapshot; /* borrowed; may be NULL */
	size_t *rows;		   /* sites of the snapshot that are shown, in order */
	size_t row_capacity;
	enum sort_key sort;
	bool inverted;
	bool follows;	      /* the cursor was moved: it stays on its site */
	uint32_t cursor_site; /* heap index */
	char filter[SITES_VIEW_TEXT];
	char search[SITES_VIEW_TEXT];
	report_names_fn *names;
	void *context;
	uint8_t *named; /* by heap index of the site: its names were looked up before, so that is
			   cheap now */
	size_t named_size;
	uint64_t names_until_ns; /* new look-ups of this drawing end then */
	size_t unnamed;		 /* sites that the filter could not judge yet */
};

void sites_view_init(struct sites_view *v, enum sort_key sort, report_names_fn *names,
		     void *context);
void sites_view_done(struct sites_view *v);
/* Sorts the snapshot and takes its rows. */
void sites_view_set(struct sites_view *v, struct snapshot *snapshot);
void sites_view_sort(struct sites_view *v, enum sort_key key, bool inverted);
void sites_view_filter(struct sites_view *v, const char *text);
/* Puts the cursor on the next match; with `stay` the present row counts too. False when there is
 * none. */
bool sites_view_search(struct sites_view *v, const char *text, bool stay);
/* After the cursor was moved by a key. */
void sites_view_moved(struct sites_view *v);
/* The site under the cursor, NULL when the list is empty. */
const struct snapshot_site *sites_view_selected(const struct sites_view *v);
void sites_view_draw(struct sites_view *v, const struct theme *theme, int y, int width, int height);

#endif /* VIEW_SITES_VIEW_H */
