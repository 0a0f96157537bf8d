/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies the heap into a snapshot. */
#ifndef ANALYSE_BUILD_H
#define ANALYSE_BUILD_H

#include "growth.h"
#include "snapshot.h"

/*
 * A snapshot in steps: begin; some, again and again while it returns true; settle; end. Only some and
 * settle need the lock of the heap's owner, and some may be left out: the more is copied ahead, the shorter
 * settle takes. All figures are of the moment of settle. Those before `heap` are for build.c.
 */
struct snapshot_builder {
	struct snapshot *snapshot;
	uint32_t sites, processes; /* for which there is room */
	uint32_t copied;	   /* sites [1, copied] */
	uint64_t *versions;	   /* of the heap when a piece of the sites was copied */

	struct heap *heap;
	struct growth *growth;			 /* may be NULL */
	const struct coverage_figures *coverage; /* may be NULL: all of the time is covered */
};

/* The heap had so many sites and processes before. 0, or -ENOMEM with *s empty: then no other step. */
int snapshot_begin(struct snapshot_builder *b, struct snapshot *s, uint32_t sites,
		   uint32_t processes, uint64_t now_ns);
bool snapshot_some(struct snapshot_builder *b);
/* 0, or -ENOMEM with the snapshot empty: then no end. */
int snapshot_settle(struct snapshot_builder *b);
void snapshot_end(struct snapshot_builder *b);

/*
 * All of that at once, with the lock of the heap's owner. Fills *s, which must be zeroed or freed before; `growth` may be NULL (then rates are 0 and
 * verdicts `new`). Sites are in the heap's order. Left to the caller, as 0: ranks, realtime,
 * elapsed and tracer figures, counters of the kernel side, sampling, rss (UINT64_MAX), attached,
 * notable_first. 0, or -ENOMEM with *s empty.
 */
int snapshot_build(struct snapshot *s, struct heap *h, struct growth *growth, uint64_t now_ns);

/* Sets the ranks from the outstanding bytes. 0 or -ENOMEM. */
int snapshot_rank(struct snapshot *s);

/*
 * Folds rows of one process with the same site id into one: the same code at two addresses (a
 * library that was loaded again), or stacks that differ only where no module is known. ids[i]
 * belongs to s->sites[i]. Sums are exact; the peak is the largest that is certain. The row with the
 * smallest heap index stays; when `primary` is not NULL, primary[heap index] is the heap index of
 * the row that stands for a site. 0 or -ENOMEM (nothing changed).
 */
int snapshot_fold(struct snapshot *s, const uint64_t *ids, uint32_t *primary);

#endif /* ANALYSE_BUILD_H */
