/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When there is no room, the older points are thinned: time is cut into spans, and only the last point in each stays (and the first of all). Spans
 * double from time to time, so that all of the older points have the same distance, whatever they span. A change is found at most
 * one span late in them; sums over time (allocations) stay exact at the points that are left.
 *
 * Invariant: times increase; points of the last recent_ns are all there.
 */
#include "series.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 1u /* of very many sites most never change again */

void series_done(struct series *s)
{
	free(s->v);
	memset(s, 0, sizeof(*s));
}

/* The first point at or after a time. */
static uint32_t lower_bound(const struct series *s, uint64_t time_ns)
{
	uint32_t low = 0, high = s->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->v[middle].time_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* One point for each span, and the very first. */
static void thin(struct series *s, uint32_t older)
{
	uint32_t to = 0;

	for (uint32_t i = 0; i < older; i++) {
		if (i && i + 1 < older &&
		    s->v[i].time_ns / s->step_ns == s->v[i + 1].time_ns / s->step_ns)
			continue;
		s->v[to++] = s->v[i];
	}
	memmove(&s->v[to], &s->v[older], (s->count - older) * sizeof(*s->v));
	s->count -= older - to;
}

static void make_room(struct series *s, uint64_t now_ns, const struct series_limits *limits)
{
	uint64_t from_ns = now_ns > limits->recent_ns ? now_ns - limits->recent_ns : 0;
	uint32_t most = limits->recent + limits->older;

	if (!s->step_ns)
		s->step_ns = limits->step_ns + !limits->step_ns;
	/* the span as it is first: what has become old since is not thinned yet */
	for (thin(s, lower_bound(s, from_ns)); s->count > most - limits->older / 4; s->step_ns *= 2)
		thin(s, lower_bound(s, from_ns));
}

int series_add(struct series *s, const struct series_point *point,
	       const struct series_limits *limits)
{
	uint32_t most = limits->recent + limits->older, capacity;
	struct series_point *v;

	if (s->count == most)
		make_room(s, point->time_ns, limits);
	if (s->count == s->capacity) {
		capacity = s->capacity ? s->capacity * 2 : FIRST_ROOM;
		if (capacity > most)
			capacity = most;
		v = realloc(s->v, capacity * sizeof(*v));
		if (!v)
			return -ENOMEM;
		s->v = v;
		s->capacity = capacity;
	}
	s->v[s->count++] = *point;
	return 0;
}

int series_raise(struct series *s, uint64_t first_ns, uint64_t bytes, uint64_t count,
		 const struct series_limits *limits)
{
	const struct series_point nothing = {.time_ns = first_ns};
	int err = s->count ? 0 : series_add(s, &nothing, limits);

	for (uint32_t i = 0; !err && i < s->count; i++) {
		s->v[i].bytes += bytes;
		s->v[i].count += count;
		s->v[i].allocs += count;
		s->v[i].recorded += (uint32_t)count;
	}
	return err;
}

const struct series_point *series_at(const struct series *s, uint64_t time_ns)
{
	uint32_t i = s->count, steps = 0;

	while (i && s->v[i - 1].time_ns > time_ns && steps++ < 4)
		i--;
	if (i && s->v[i - 1].time_ns > time_ns)
		i = lower_bound(s, time_ns + 1);
	return i ? &s->v[i - 1] : NULL;
}
