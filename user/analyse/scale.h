/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot of what was seen in windows becomes one of what there is by estimate. */
#ifndef ANALYSE_SCALE_H
#define ANALYSE_SCALE_H

#include "coverage.h"
#include "snapshot.h"

/* The totals of one site. As they are when the coverage is not partial. */
struct totals scale_site(const struct site *s, const struct coverage_figures *coverage);

/*
 * With the sites scaled, before anything is summed or ranked by sites. Sets s->coverage; nothing else when it is not
 * partial. Afterwards alloc - free = outstanding holds still, and the totals of a process are the sums over its sites.
 */
void snapshot_sum(struct snapshot *s, const struct coverage_figures *coverage);
/* Scales the sites of a snapshot that was built right before, and sums. With the lock of the heap's owner. */
void snapshot_scale(struct snapshot *s, struct heap *h, const struct coverage_figures *coverage);

#endif /* ANALYSE_SCALE_H */
