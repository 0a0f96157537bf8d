/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies the heap into a snapshot. Needs the lock of the heap's owner for the time of the call. */
#ifndef ANALYSE_BUILD_H
#define ANALYSE_BUILD_H

#include "growth.h"
#include "snapshot.h"

/*
 * Fills *s, which must be zeroed or freed before; `growth` may be NULL (then rates are 0 and
 * verdicts `new`). Sites are in the heap's order, ranks set. Left to the caller, as 0: realtime,
 * elapsed and tracer figures, counters of the kernel side, sampling, rss (UINT64_MAX), attached,
 * notable_first. 0, or -ENOMEM with *s empty.
 */
int snapshot_build(struct snapshot *s, struct heap *h, struct growth *growth, uint64_t now_ns);

#endif /* ANALYSE_BUILD_H */
