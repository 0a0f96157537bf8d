/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that empties the rings into the heap. It does nothing else, so that no report, symbol
 * or screen delays it. Everybody else touches the heap between consumer_lock() and
 * consumer_unlock().
 */
#ifndef USER_CONSUMER_H
#define USER_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../include/event.h"
#include "base/breath.h"
#include "feed.h"
#include "heap/heap.h"
#include "probe/loader.h"

struct consumer;
struct go_sampler;

/* What the owner must know of the life of processes, in order. */
struct notice {
	uint64_t time_ns;
	uint32_t process; /* number; for EVENT_FORK the parent's */
	uint32_t child;	  /* EVENT_FORK: number of the child */
	uint32_t pid;	  /* of the child (EVENT_FORK) or of the process */
	uint32_t exit_code;
	uint8_t type; /* EVENT_FORK, EVENT_EXEC, EVENT_EXIT, EVENT_MODULES */
	uint32_t flags;
	char comm[16];
};

/*
 * NULL after a message. All are borrowed until consumer_stop(). record NULL: nothing is recorded. go_sampler NULL: no Go heaps. loader NULL: there are no
 * rings and no thread, only the locks: whoever replays a recording feeds the heap.
 */
struct consumer *consumer_start(struct loader *loader, struct heap *heap, struct record *record,
				struct go_sampler *go_sampler);
/* Ends the thread after everything in the rings has been applied. NULL is fine. */
void consumer_stop(struct consumer *c);

void consumer_lock(struct consumer *c);
void consumer_unlock(struct consumer *c);
/* Gives the lock back to those who wait for it, and takes it again. */
void consumer_pause(struct consumer *c);
/* The same, and a breath when it is time to (NULL: never). */
void consumer_breathe(struct consumer *c, struct breath *breath);
/* Returns when all records that were submitted before the call have been applied. Not under the
 * lock. */
void consumer_sync(struct consumer *c);

/*
 * A cut on the event clock. Returns when exactly the records of until time_ns have been applied, and nothing more is until
 * consumer_resume(), so that what is read of the heap in between is of that moment. A hold is short: when the rings fill up
 * meanwhile the consumer goes on by itself. Not under the lock, and no consumer_sync() while held. Breathes while it waits.
 */
void consumer_cut(struct consumer *c, uint64_t time_ns, struct breath *breath);
void consumer_resume(struct consumer *c);
/* With the lock. */
struct feed *consumer_feed(struct consumer *c);

/* Readable when there are notices. */
int consumer_notice_fd(const struct consumer *c);
/* Moves the notices out; *notices from malloc, the caller frees. */
size_t consumer_take_notices(struct consumer *c, struct notice **notices);

/* Events older than one before them of the same CPU, records that make no sense. */
uint64_t consumer_late_count(struct consumer *c);
uint64_t consumer_bad_count(struct consumer *c);

#endif /* USER_CONSUMER_H */
