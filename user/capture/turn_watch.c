// SPDX-License-Identifier: GPL-2.0-or-later
#include "turn_watch.h"

#include <errno.h>
#include <stdlib.h>

#define LOOK_NS 100000000ull
/* Fewer say nothing, and it does not matter what they cost. */
#define EVENTS_MIN 1000
/* One in so many may come from other processors. */
#define OTHERS 64

int turn_watch_init(struct turn_watch *w, struct turn *turn, const struct ring *rings, size_t count)
{
	*w = (struct turn_watch){.turn = turn, .rings = rings, .count = count};
	w->before = calloc(count ? count : 1, sizeof(*w->before));
	return w->before ? 0 : -ENOMEM;
}

void turn_watch_done(struct turn_watch *w)
{
	free(w->before);
	w->before = NULL;
}

void turn_watch_look(struct turn_watch *w, uint64_t now_ns)
{
	uint64_t all = 0, most = 0, off = TURN_OFF;
	size_t i;

	if (now_ns - w->looked_ns < LOOK_NS)
		return;
	w->looked_ns = now_ns;
	for (i = 0; i < w->count; i++) {
		uint64_t n = w->rings[i].position - w->before[i];

		w->before[i] = w->rings[i].position;
		all += n;
		most = n > most ? n : most;
	}
	/* whoever may have put something else there meanwhile is right */
	if (all >= EVENTS_MIN && (all - most) * OTHERS <= all)
		__atomic_compare_exchange_n(&w->turn->word, &off, TURN_NOBODY, 0, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED);
}
