/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sites that churn: they allocate many blocks and few of them are there at any time, so that a pool, an arena or a buffer that
 * is used again would spare the allocator nearly all of their calls. docs/pools.md has the formulas. Pure.
 */
#ifndef ANALYSE_POOLS_H
#define ANALYSE_POOLS_H

#include <stddef.h>
#include <stdint.h>
#include "snapshot.h"

enum pool_advice {
	POOL_REUSE, /* most blocks are gone before their thread allocates again: one buffer a thread is enough */
	POOL_KEEP,  /* a pool of the blocks that are there at the same time */
	POOL_ARENA, /* the same, but their sizes differ */
	POOL_SYNC /* Go: what is in it is kept as long as it is used, so that nobody has to say how many */
};

struct pool_row {
	const struct snapshot_site *site; /* borrowed from the snapshot */
	double allocs_per_s, bytes_per_s; /* on average since tracing began */
	double calls_per_s; /* to the allocator that a pool would spare; Go: allocations, there are no frees */
	double mean_bytes;
	double alike_share; /* of the blocks that have a size between the same two powers of two */
	double temporary_share; /* of what was freed */
	double life_s; /* median of what was freed; not known: a block lives no longer on average; < 0: nor that */
	bool life_bound;	/* the latter */
	uint64_t blocks, bytes; /* that a pool would hold; Go: 0 */
	enum pool_advice advice;
};

/* Most spared calls first; *rows from malloc (the caller frees), NULL when there is none or no memory. */
size_t pools_find(const struct snapshot *s, struct pool_row **rows);
const char *pool_advice_text(enum pool_advice advice);

#endif /* ANALYSE_POOLS_H */
