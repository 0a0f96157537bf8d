/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies the heap into a snapshot. Needs the lock of the heap's owner for the time of the call. */
#ifndef ANALYSE_BUILD_H
#define ANALYSE_BUILD_H

#include "growth.h"
#include "snapshot.h"

/*
 * Fills *s, which must be zeroed or freed before; `growth` may be NULL (then rates are 0 and
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
