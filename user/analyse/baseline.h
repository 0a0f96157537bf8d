/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures of one moment, and what has changed since. Kept by the heap's index of a site, so that the change of a row is right
 * also when sites become one row, or two, only later. Pure.
 */
#ifndef ANALYSE_BASELINE_H
#define ANALYSE_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../heap/heap.h"

struct snapshot;
struct beside;

/* Now less then, of a site or a process: what is outstanding may have become less. */
struct change {
	int64_t outstanding_bytes, outstanding_count;
	int64_t alloc_bytes, alloc_count;
	int64_t free_bytes, free_count;
	int64_t temporary_count;
	double variance_then; /* of the outstanding bytes at the baseline, when sampled */
};

struct baseline_figures {
	struct totals totals;
	double variance;
};

/* Zero-initialised: there is none. */
struct baseline {
	bool on;
	double elapsed_s; /* of the snapshot */
	uint64_t realtime_ns;
	struct baseline_figures *sites, *processes; /* by heap index */
	struct beside *memory;			    /* of the processes, then */
	uint32_t site_count, process_count;	    /* room, index 0 included */
};

/*
 * Takes the figures of a snapshot whose rows were not folded yet. What is not there is 0: sites and processes that are new
 * later begin at 0. 0 or -ENOMEM (then there is no baseline).
 */
int baseline_take(struct baseline *b, const struct snapshot *s);
void baseline_reset(struct baseline *b);
/*
 * Gives every row and process of a later snapshot its change (snapshot_site.change), and processes their memory since then
 * (snapshot_process.since); nothing without a baseline.
 * primary[heap index]: of the row that stands for a site, 0: its own; NULL: rows were not folded. 0 or -ENOMEM.
 */
int baseline_apply(const struct baseline *b, struct snapshot *s, const uint32_t *primary,
		   uint32_t primary_count);

#endif /* ANALYSE_BASELINE_H */
