/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the blocks were born that a site still has. Of those that are older than any block of the site was when it was freed, none has
 * ever been seen to go: the survivors. If they were born all of the time, they are lost at all times; if they were born in
 * the beginning, something was filled. docs/analysis.md explains what is made of it. With the lock of the heap's owner.
 */
#ifndef ANALYSE_SURVIVORS_H
#define ANALYSE_SURVIVORS_H

#include "../heap/heap.h"

#define SURVIVOR_SPANS	  6u /* of which a window is made */
#define BURSTS_MOST	  6u
#define SURVIVORS_START_S 3.0 /* what a site had so early may be a start-up */

struct burst {
	uint64_t first_ns, last_ns; /* births */
	uint64_t blocks;
};

struct survivors {
	double age_s;	  /* from which age on a block is one: elders at least */
	double longest_s; /* no block that was freed lived longer */
	double outlived_s; /* for how long they have been older than any freed one, together, but for those of the start */
	double life_s; /* mean of the blocks that were freed, about */
	double deaths_per_s; /* of a block that is not yet an elder, but no more young; 0: none dies then */
	uint64_t born[SURVIVOR_SPANS]; /* by their births, sixths of a window; the youngest first */
	struct burst bursts[BURSTS_MOST]; /* the same in clusters of births, the oldest first */
	uint32_t burst_count;		  /* BURSTS_MOST: or more */
	/* A turnover is a moment at which most of what there was went. What has been born since is not known to survive one. */
	uint64_t turnover_ns;	 /* the last; 0: there was none */
	uint64_t untested;	 /* elders that were born since */
	uint64_t counted, at_ns; /* blocks at the last look, and when that was */
	uint32_t elder_frees;	 /* at the last look */
};

struct survivors_options {
	double elder_s, window_s;
	uint64_t now_ns, elders; /* of the site, now */
};

/* Looks at a site; to be called at each sample after which it has changed, in order of time. */
void survivors_look(struct survivors *v, const struct survivors_options *o, struct heap *h,
		    uint32_t site);

#endif /* ANALYSE_SURVIVORS_H */
