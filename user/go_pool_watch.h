/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts the calls of sync.Pool in the traced Go programs, in slices of the time (pool_slices.h), and gathers what is known of their pools.
 * Between two slices there is no probe. The main thread only.
 */
#ifndef USER_GO_POOL_WATCH_H
#define USER_GO_POOL_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include "analyse/go_pools.h"
#include "closing.h"
#include "pool_slices.h"

struct go_pool_watched; /* of one process, in struct go_facts */
struct options;
struct tracked;
struct windows;

struct go_pool_watch {
	struct windows *windows; /* borrowed, and its tracker and overhead */
	double percent;		 /* of the time; 0: nothing is counted */
	double max_overhead;
	bool begun;
	uint64_t next_ns; /* to be looked at again; UINT64_MAX: never */
	struct pool_slices slices;
	struct closing closing;
};

/* Wanted for a screen, and in batch mode by --pools or --go-pool-share. */
void go_pool_watch_init(struct go_pool_watch *w, struct windows *windows, const struct options *o,
			bool screen);
/* Tracing begins. */
void go_pool_watch_begin(struct go_pool_watch *w);
/* At next_ns: begins and ends slices. */
void go_pool_watch_step(struct go_pool_watch *w, uint64_t now_ns);
/* No slice any more, and all probes are gone. */
void go_pool_watch_done(struct go_pool_watch *w);

/* Of now; the caller frees by go_pools_figures_done(). Not known: nothing is counted, or it is no such program. */
void go_pool_watch_gather(struct tracked *t, struct go_pools_figures *f);
/* NULL is fine. */
void go_pool_watched_free(struct go_pool_watched *p);

#endif /* USER_GO_POOL_WATCH_H */
