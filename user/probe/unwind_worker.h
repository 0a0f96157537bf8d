/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread that builds unwind tables which are not to be waited for, and writes tables into the
 * cache. It touches its jobs and the cache, nothing else: neither the arena nor the files. All
 * functions are for the main thread.
 */
#ifndef PROBE_UNWIND_WORKER_H
#define PROBE_UNWIND_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "unwind_build.h"
#include "unwind_cache.h"
#include "unwind_input.h"

struct unwind_worker;

struct unwind_job {
	struct unwind_job *next;
	void *owner;		     /* who waits for the table; NULL: it is there, keep it */
	struct unwind_input *in;     /* with owner */
	struct unwind_cache_key key; /* when `keyed` */
	bool keyed;		     /* and the cache has not got it */
	bool urgent;
	/* what became of it */
	struct unwind_table table;
	int err;
	bool kept; /* the table was in the cache */
	uint64_t took_ns;
	atomic_bool stop;
};

/* The cache is borrowed, NULL: none. NULL with errno. */
struct unwind_worker *unwind_worker_new(struct unwind_cache *cache);
/* Drops what is to be built, keeps what is to be kept. NULL is fine. */
void unwind_worker_free(struct unwind_worker *w);

/* Readable when jobs are finished. */
int unwind_worker_fd(const struct unwind_worker *w);
/* Urgent jobs first, then those with the least to do. Takes the job over. */
void unwind_worker_add(struct unwind_worker *w, struct unwind_job *job);
/* This owner's job shall not come back. */
void unwind_worker_cancel(struct unwind_worker *w, const void *owner);
/* One that is finished, to be freed with unwind_job_free(); NULL: none. */
struct unwind_job *unwind_worker_take(struct unwind_worker *w);
void unwind_job_free(struct unwind_job *job);

#endif /* PROBE_UNWIND_WORKER_H */
