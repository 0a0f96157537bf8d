/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How sites and processes change over the leak window: a bounded history of samples, and from it
 * rates, verdicts and scores. Needs the lock of the heap's owner for the time of each call.
 */
#ifndef ANALYSE_GROWTH_H
#define ANALYSE_GROWTH_H

#include <stdint.h>
#include "snapshot.h"

struct growth_options {
	double window_s;   /* 0: 30 */
	double interval_s; /* between two calls of growth_sample(); 0: 1 */
	double threshold; /* growth over the window relative to its start; below it a site is steady
			   */
};

struct growth;

/* NULL when out of memory. */
struct growth *growth_new(const struct growth_options *options);
void growth_free(struct growth *g);
/* From now on figures are estimates of this coverage. Nothing changes when it is not partial. */
void growth_cover(struct growth *g, const struct coverage_figures *coverage);
/*
 * Takes a sample; to be called each leak interval, and once at the start. 0 or -ENOMEM (then the
 * histories of some sites have a hole).
 */
int growth_sample(struct growth *g, struct heap *h, uint64_t now_ns);
/*
 * Fills rates, verdict and score of the sites, and the rates of the processes, of a snapshot of the
 * same moment. Called by snapshot_build().
 */
void growth_fill(struct growth *g, struct heap *h, struct snapshot *s, uint64_t now_ns);

#endif /* ANALYSE_GROWTH_H */
