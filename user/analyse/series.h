/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The history of a site or a process in a bounded number of points: exact lately, the older the sparser, so that it holds seconds
 * or weeks. A point is taken only when something has changed. Zero-initialised is empty. Plain values: no heap, no clock.
 */
#ifndef ANALYSE_SERIES_H
#define ANALYSE_SERIES_H

#include <stdint.h>

/* Before the first point all was 0; between two of them it was as at the first of them. */
struct series_point {
	uint64_t time_ns;
	uint64_t bytes, count; /* outstanding */
	uint64_t allocs;       /* since the start; less `count`, that is the frees */
	uint32_t recorded;     /* outstanding blocks that were recorded: they are never scaled */
	uint32_t elders;       /* of them, those that are elders */
	uint32_t
		elder_frees; /* recorded blocks that were freed as elders, since the start; wraps */
	uint32_t
		resizes; /* frees since the start that were none: realloc went on at the same site; wraps */
};

struct series {
	struct series_point *v; /* in order of time */
	uint32_t count, capacity;
	uint64_t
		step_ns; /* of the older points there is one in each such span, the last one; 0: all are there */
};

/* What all series of one kind have in common. */
struct series_limits {
	uint64_t step_ns;   /* between two samples, about */
	uint64_t recent_ns; /* so far back all points are kept */
	uint32_t recent;    /* which are no more than that many */
	uint32_t older;	    /* room for those before them */
};

void series_done(struct series *s);
/* A later point than all others. 0 or -ENOMEM (then nothing has changed). */
int series_add(struct series *s, const struct series_point *point,
	       const struct series_limits *limits);
/*
 * Something was there already when the first point was taken, at that time or before it, and nobody knew: it counts in all points. 0 or -ENOMEM (then
 * nothing has changed).
 */
int series_raise(struct series *s, uint64_t first_ns, uint64_t bytes, uint64_t count,
		 const struct series_limits *limits);
/* What there was at a time; NULL: nothing yet. Quickest for a time not long ago. */
const struct series_point *series_at(const struct series *s, uint64_t time_ns);

static inline const struct series_point *series_last(const struct series *s)
{
	return s->count ? &s->v[s->count - 1] : (const struct series_point *)0;
}

#endif /* ANALYSE_SERIES_H */
