/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks over all outstanding blocks for the screen: sums by thread, and the oldest blocks of a site.
 * In steps that a key may wait for, in pieces that the events may wait for, and at most a small share
 * of the time. The main thread only.
 */
#ifndef USER_WALK_H
#define USER_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include "rows.h"
#include "view/sources.h"

struct walk_thread;

struct walk {
	struct tracker *tracker;
	const struct rows *rows;
	struct view_walk result;
	/* what is wanted */
	uint64_t wanted_until_ns, next_ns;
	uint32_t site;
	uint64_t event_ns; /* ages are those of this moment of the events' clock; 0: of now */
	/* the present one */
	bool on, ranges_done;
	uint32_t process;  /* heap index */
	uint64_t position; /* in its blocks */
	uint64_t begun_ns, busy_ns, ended_ns;
	uint64_t seen, expected; /* blocks */
	struct walk_thread *threads;
	uint32_t thread_count, thread_capacity;
	uint32_t *slots; /* number of a thread + 1, by hash */
	uint32_t slot_count;
	struct report_block oldest[VIEW_OLDEST];
	uint64_t oldest_born[VIEW_OLDEST];
	size_t oldest_count;
	struct report_block
		*sample; /* of the site's blocks: the first in the order of their hashes */
	size_t sample_count;
	/* of the piece */
	const struct heap_process *of;
	uint32_t last; /* number of the last thread + 1 */
};

void walk_init(struct walk *w, struct tracker *tracker, const struct rows *rows);
void walk_done(struct walk *w);
/* As view/sources.h has it. */
struct view_walk *walk_ask(struct walk *w, uint32_t site);
/* Leaves the present walk. */
void walk_stop(struct walk *w);
/* When there is something to do; UINT64_MAX: nothing is wanted. */
uint64_t walk_next_ns(const struct walk *w);
/* Goes on for a moment. True when a walk was completed. */
bool walk_step(struct walk *w);

#endif /* USER_WALK_H */
