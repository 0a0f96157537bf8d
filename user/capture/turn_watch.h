/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where several processors have events, all of them read the clock for each (bpf/moment.bpf.h): TURN_OFF. That ends here, once nearly all
 * come from one processor again.
 */
#ifndef CAPTURE_TURN_WATCH_H
#define CAPTURE_TURN_WATCH_H

#include <stddef.h>
#include <stdint.h>
#include "../../include/turn.h"
#include "ring.h"

struct turn_watch {
	struct turn *turn;	  /* borrowed: shared with the programs */
	const struct ring *rings; /* borrowed: of slots, one for each processor */
	size_t count;
	uint64_t *before; /* positions the last time */
	uint64_t looked_ns;
};

/* 0 or -ENOMEM. */
int turn_watch_init(struct turn_watch *w, struct turn *turn, const struct ring *rings,
		    size_t count);
void turn_watch_done(struct turn_watch *w);
/* After a sweep; looks ten times a second. now_ns: CLOCK_MONOTONIC. */
void turn_watch_look(struct turn_watch *w, uint64_t now_ns);

#endif /* CAPTURE_TURN_WATCH_H */
