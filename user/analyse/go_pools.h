/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pools (sync.Pool) of a Go program: how often they are used, how often they have nothing, and what is wrong with them. Calls are
 * counted in slices of the time; figures are of these slices alone. docs/pools.md has the formulas. Pure.
 */
#ifndef ANALYSE_GO_POOLS_H
#define ANALYSE_GO_POOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../base/interval.h"
#include "../target/go_pools.h"

/* Of a process; those that are used least are left out. */
#define GO_POOLS_KEPT 256

struct go_pool {
	struct go_pool_facts facts;
	uint64_t gets, puts, misses, made; /* include/go_pools.h */
};

/* Of one process. */
struct go_pools_figures {
	bool known;	  /* it is a Go program with pools */
	bool lists;	  /* all that are in use are known; else those that were seen in a slice */
	bool race;	  /* built with -race: one Put in four is dropped */
	bool sees_calls;  /* calls can be counted */
	bool sees_misses; /* and misses */
	uint64_t slices;  /* in which calls were counted, so far */
	uint64_t covered_ns; /* together */
	uint64_t lost; /* calls that were not counted: too many pools at a time, of all processes */
	uint64_t left_out; /* pools */
	struct go_pool *v; /* most calls first; owned */
	size_t count;
};

void go_pools_figures_done(struct go_pools_figures *f);
/* A copy of its own. */
struct go_pools_figures go_pools_figures_copy(const struct go_pools_figures *from);
/* Orders the pools, and leaves out what is too much. */
void go_pools_figures_sort(struct go_pools_figures *f);

/* Of the gets, those that found something, 0 .. 1, and where it lies, 95 times in 100. False: too little is known. */
bool go_pool_hit_rate(const struct go_pools_figures *f, const struct go_pool *pool, double *rate,
		      struct interval *range);
/* What it is called: its variable, else who makes its values, else what is in it, else its address. Cleaned. */
void go_pool_add_name(const struct go_pool *pool, struct buffer *out);
/* What could be better, in words; nothing when all is well, or not known. */
void go_pool_add_advice(const struct go_pools_figures *f, const struct go_pool *pool,
			struct buffer *out);

#endif /* ANALYSE_GO_POOLS_H */
