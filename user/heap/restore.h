/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures that are set, not the sum of events: of a recording that had no room for more events. From then on the heap has no single
 * blocks any more. One thread at a time, as all of the heap.
 */
#ifndef HEAP_RESTORE_H
#define HEAP_RESTORE_H

#include "heap.h"

/* The clock is at least that. */
void heap_restore_clock(struct heap *h, uint64_t now_ns);
/* Totals, counters and the end of process `index` are those of *like. Its blocks and ranges are forgotten. */
void heap_restore_process(struct heap *h, uint32_t index, const struct heap_process *like);
/*
 * The site of (like->process, like->stack_id, like->call) is made if it is not there, and has the figures of *like, its
 * generations included (sorted, copied). errors: NULL when not sampled; bulk: NULL when it is none. False: no memory.
 */
bool heap_restore_site(struct heap *h, const struct site *like, const struct lifetimes *lifetimes,
		       const struct errors *errors, const struct bulk *bulk);

#endif /* HEAP_RESTORE_H */
