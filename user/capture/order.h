/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merges the rings of all CPUs by time, sweep by sweep.
 *
 * Why the result is causally right for each address: a sweep takes the clock first (the watermark)
 * and only then looks at the rings, and hands out nothing younger than the watermark. If a record
 * with time <= watermark is seen whose cause is another record (the allocation before the free of
 * the same block), the cause was submitted before the effect's clock was read, so before the
 * watermark, so it lies in a ring that is looked at afterwards. A thread that was preempted between
 * reading the clock and submitting makes its own record late, but everything it caused is later
 * still. Allocations and frees may have the time of an earlier event of their thread
 * (bpf/moment.bpf.h): that too was read after the cause was submitted, or the cause is in the same
 * ring, or it is a record of the same thread on the same CPU, whose time that is. For these rings of
 * slots come before rings of records: where the limits of all rings are read, the slot is older than
 * the limit of its ring, so the record is older than that of its own. What is left is a record that is reserved and not yet written ("busy"): it hides those
 * behind it, so nothing younger than the last one before it is handed out until it is there.
 *
 * One thread at a time. Records are borrowed until order_release().
 */
#ifndef CAPTURE_ORDER_H
#define CAPTURE_ORDER_H

#include <stddef.h>
#include <stdint.h>
#include "../../include/event.h"
#include "ring.h"

struct order {
	struct ring *rings; /* borrowed */
	size_t ring_count;
	uint64_t watermark_ns;
	uint64_t late_count; /* records older than one before them of the same ring */
	uint64_t bad_count;
	size_t buffer_count; /* of those that order_next() gave last: not from rings of slots */
	/* Rings that had a record when the sweep began are the leaves of a tournament. */
	struct order_head {
		const struct event_header *event;
		const struct event_header *end; /* of a ring of slots: of those decoded in a row */
		struct ring *ring;
	} * heads;
	uint64_t *times;  /* of the heads; UINT64_MAX: the ring has no record any more */
	uint32_t *losers; /* the winner first, then at each node of the tree who has lost there */
	uint32_t leaf_count; /* a power of two; 0: no ring has a record */
};

/* Rings of slots come first. 0 or -ENOMEM. */
int order_init(struct order *o, struct ring *rings, size_t count);
void order_done(struct order *o);
/* Starts a sweep: now_ns is CLOCK_MONOTONIC, read by the caller just before. UINT64_MAX: everything
 * that is there. */
void order_begin(struct order *o, uint64_t now_ns);
/* Up to `max` records in order; 0 when the sweep is at its end. */
size_t order_next(struct order *o, const struct event_header **events, size_t max);
/* Gives what was handed out back to the kernel. */
void order_release(struct order *o);

#endif /* CAPTURE_ORDER_H */
