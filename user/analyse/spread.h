/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How large the blocks of a process are and how long they live: those that were freed, and those that are outstanding. The latter
 * takes a walk over all of them, in pieces, so this is not for every interval. With the lock of the heap's owner.
 */
#ifndef ANALYSE_SPREAD_H
#define ANALYSE_SPREAD_H

#include "snapshot.h"

struct spread_class {
	double blocks; /* allocated ones of this size, or freed ones that lived so long */
	double outstanding, bytes; /* blocks of this size or age */
};

/* Classes are the buckets of heap/lifetimes.h. Numbers are scaled as all figures are; outstanding ones by their samples only. */
struct spread {
	struct spread_class sizes[HISTOGRAM_BUCKETS], ages[HISTOGRAM_BUCKETS];
};

/* Fills spreads[process], for each process of the snapshot, which is of this moment: so the heap may not change in between. */
struct spread_walk {
	struct spread *spreads; /* zeros at first */
	const struct snapshot *snapshot;
	struct heap *heap;
	/* from here on zeros at first */
	size_t site, process; /* of the snapshot, that are next */
	uint64_t position;    /* in the process's blocks */
};
/* One piece. False: that was the last. */
bool spread_some(struct spread_walk *w);

#endif /* ANALYSE_SPREAD_H */
