/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the figures of processes went over the whole run, in bounded memory however long that was: when there is no more room,
 * neighbouring points become one. What only grows is kept as its total, so that rates between any two points stay
 * exact; of what goes up and down the largest value is kept beside the last. One thread at a time.
 */
#ifndef EXPORT_HTML_SERIES_H
#define EXPORT_HTML_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../analyse/snapshot.h"
#include "../base/buffer.h"

#define HTML_POINTS_MAX	   2048u  /* of a line */
#define HTML_POINTS_MIN	   16u	  /* however many lines there are */
#define HTML_POINTS_BUDGET 32768u /* of all lines, while each has more than the minimum */

struct html_point {
	double elapsed_s;
	uint64_t outstanding_bytes, outstanding_most, outstanding_count;
	uint64_t rss_bytes, rss_most; /* UINT64_MAX: unknown */
	uint64_t alloc_bytes, alloc_count, free_count, lost_events;
};

struct html_line {
	struct html_point *points;
	uint32_t count, capacity;
	uint32_t stride, held; /* snapshots in a point; in the last one so far */
	double start_s;	       /* when it had nothing yet: the snapshot before the first */
	bool ended;
};

/* Line 0 is the sum, line n that of process n of the snapshots. Zero-initialised is empty and valid. */
struct html_series {
	struct html_line *lines;
	uint32_t count, capacity;
	double last_s;
};

void html_series_done(struct html_series *s);
/* Processes of one snapshot are the first of the next. */
void html_series_add(struct html_series *s, const struct snapshot *snapshot);
/* "series":[{"process", "start", "points"}...], the sum as process null. */
void html_series_write(const struct html_series *s, struct buffer *out);

#endif /* EXPORT_HTML_SERIES_H */
