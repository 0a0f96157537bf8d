/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heap as the events tell it: what is outstanding, by which call site, in which process.
 *
 * heap_apply() is the only writer. Plain C over plain structs: no libbpf, no clock of its own (time
 * is the events' time), so that every rule is tested from written event lists. One thread at a
 * time: the owner locks.
 *
 *   process ── blocks (address -> block), ranges (mmap class): own tables for each process
 *      └────── sites (process, stack, call) -> running totals
 *   stacks  ── (process, 64-bit id) -> frames
 *
 * Invariant of every site and process at any time: alloc - free = outstanding, in bytes and in
 * blocks.
 */
#ifndef HEAP_HEAP_H
#define HEAP_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../include/calls.h"
#include "../../include/counters.h"
#include "../../include/event.h"
#include "blocks.h"
#include "error.h"
#include "ranges.h"
#include "generations.h"
#include "lifetimes.h"

struct heap;

struct totals {
	uint64_t outstanding_bytes, outstanding_count;
	uint64_t alloc_bytes, alloc_count;
	uint64_t free_bytes, free_count;
	uint64_t peak_bytes;	  /* largest outstanding_bytes so far */
	uint64_t temporary_count; /* freed before the thread that allocated it allocated again */
};

/* Adds everything but the peak: peaks of different times have no sum. */
static inline void totals_add(struct totals *to, const struct totals *t)
{
	to->outstanding_bytes += t->outstanding_bytes;
	to->outstanding_count += t->outstanding_count;
	to->alloc_bytes += t->alloc_bytes;
	to->alloc_count += t->alloc_count;
	to->free_bytes += t->free_bytes;
	to->free_count += t->free_count;
	to->temporary_count += t->temporary_count;
}

/* Part of what is outstanding: carried over from before the window (windows.c). */
struct carried {
	uint64_t bytes, count;
};

/* More of a site whose changes come in bulk (EVENT_BULK). */
struct bulk {
	struct carried before; /* of what was allocated: it was there before tracing began */
	struct carried alive;  /* of what is outstanding */
};

/*
 * One call site of one process. Index 0 is never used. Sites are never removed. What most events touch comes first: the key and the
 * times, the ages, the totals, a cache line each.
 */
struct site {
	_Alignas(64) uint64_t stack_id; /* as in events; the key together with process and call */
	uint32_t process;		/* index of heap_process */
	uint8_t call;			/* enum call_id */
	bool range;			/* of the mmap class */
	bool inherited;			/* from the parent at a fork, and no event since */
	uint8_t lifetimes;		/* which it has (histories.c) */
	uint64_t version;		/* heap version at the last change, for "changed since" */
	uint64_t first_ns, last_ns;	/* first and last event */
	uint32_t stack;			/* index of heap_stack; 0: the stack is not known */
	uint32_t next;			/* the next site of the same process; 0: the last */
	struct generations
		generations; /* outstanding blocks by the leak interval they were born in */
	struct totals totals;
	uint64_t
		peak_bytes; /* what it had at the last peak of its process; see heap_site_at_peak() */
	uint32_t peak;	    /* which of the process's peaks that was */
	uint32_t elder_frees; /* recorded blocks that were freed as elders; wraps */
	uint32_t
		resizes; /* frees that were none: realloc went on with a block of the site at the site itself; wraps */
	uint32_t bulk;	     /* heap_bulk(); 0: all of its blocks are known */
	uint64_t longest_ns; /* no block that was freed lived longer */
	/* of blocks born in the window before this one, and in those before that */
	struct carried previous, older;
};
_Static_assert(offsetof(struct site, generations.recent) == 64 &&
		       offsetof(struct site, totals) == 128 && sizeof(struct site) == 256,
	       "cache lines of a site");

/* The frames behind a stack id. frame_count 0: they have not arrived (yet). Index 0 is never used.
 */
struct heap_stack {
	uint64_t id;
	uint32_t image; /* how many execs its process had behind it: whose modules the frames lie in
			 */
	uint32_t process; /* index: addresses mean something in one process only */
	uint32_t flags;	  /* STACK_F_* */
	uint32_t frame_count;
	uint64_t *pcs; /* owned by the heap, stable until heap_free */
};

struct reuses;
struct repeats;

/* The last time that a process had as much as never before, and then less. */
struct process_peak {
	uint64_t time_ns; /* until then it had; 0: it never had less than before */
	uint32_t number;  /* of such moments so far */
};

/* One traced process, also after it has ended. Index 0 is never used. */
struct heap_process {
	uint32_t number; /* the tracer's number, as in events */
	uint32_t index;
	uint32_t pid;
	char comm[16];
	bool exited;
	int exit_code; /* wait status, valid when exited */
	uint64_t started_ns, ended_ns;
	struct totals totals;		/* of the heap class; peak is that of the process */
	struct totals ranges_totals;	/* of the mmap class */
	uint64_t event_count;		/* recorded allocations plus recorded frees, both classes */
	uint64_t counts[COUNTER_COUNT]; /* COUNTER_USER_* of this process */
	struct process_peak peaks[2];	/* of the heap class, of the mmap class */
	uint32_t site_count;		/* sites that had activity */
	uint32_t exec_count;
	struct blocks blocks;
	struct blocks resized; /* sampled blocks that were resized: as large as they were drawn */
	struct blocks weights; /* blocks that were drawn for others: their number, as bytes */
	struct errors errors;  /* of the totals of the heap class, when sampled */
	struct carried before; /* the sum over its sites in bulk */
	bool has_bulk;	       /* it has some: how sure its totals are is not known */
	struct ranges ranges;
	/* the last block of a few threads, to tell temporary allocations; indexed by a hash of tid
	 */
	struct {
		uint32_t tid;
		uint64_t address;
	} last[64];
	uint32_t parent; /* index: stacks of the same id are taken from there; 0: none, or since an
			    exec */
	uint32_t first_site; /* then site.next; newest first */
	struct reuses
		*reuses; /* blocks that were closed by a reuse of their address; NULL: none yet */
	struct repeats *repeats; /* unknown blocks that were freed; NULL: none yet */
};

struct heap_options {
	uint64_t generation_ns; /* length of a generation: the leak interval */
	uint64_t elder_ns;	/* blocks at least this old are elders; 0: none is */
	uint64_t sample_bytes;	/* mean of the sampling; 0: every allocation is recorded */
	bool filtered;		/* by size: some allocations are not recorded */
};

/* NULL and errno on failure. */
struct heap *heap_new(const struct heap_options *options);
void heap_free(struct heap *h);

/*
 * Adds a process before its first event can arrive. Returns its index, 0 with errno when out of
 * memory. heap_apply() adds children by EVENT_FORK itself (blocks and totals are inherited: they
 * count as allocated at the fork, but are no events of the child).
 */
uint32_t heap_add_process(struct heap *h, uint32_t number, uint32_t pid, const char *comm,
			  uint64_t now_ns);
void heap_set_comm(struct heap *h, uint32_t process, const char *comm);

/* Applies one record (checked: size, type, call; bad ones are counted). The record is not kept. */
void heap_apply(struct heap *h, const struct event_header *event);
/* Same for a batch in time order; prefetches. */
void heap_apply_batch(struct heap *h, const struct event_header *const *events, size_t count);

/*
 * Tracing in time windows: between two of them nothing is seen. A window begins at now_ns, after all events before it; what is
 * outstanding then is carried over: not known to be gone. Before the first call all is one window.
 */
void heap_window_begin(struct heap *h, uint64_t now_ns);

/* Of all processes, both classes: allocated so far; and outstanding of those that were born in the window. */
struct window_sums {
	uint64_t alloc_bytes, alloc_count;
	uint64_t fresh_bytes, fresh_count;
};

void heap_window_sums(const struct heap *h, struct window_sums *sums);

/*
 * The generation that an event time falls into, and when a generation began. Generations are
 * counted from the first event or process.
 */
uint32_t heap_generation(const struct heap *h, uint64_t time_ns);
uint64_t heap_generation_start(const struct heap *h, uint32_t number);

/* Counts something that the owner noticed about a process (by number; one that is not known: the heap's own). */
void heap_count(struct heap *h, uint32_t number, enum counter_id id);

/* Newest event time seen. */
uint64_t heap_now(const struct heap *h);
/* Increases with each change; sites carry the version of their last change. */
uint64_t heap_version(const struct heap *h);

uint32_t heap_process_count(const struct heap *h); /* valid indices: 1 .. count */
struct heap_process *heap_process(struct heap *h, uint32_t index);
uint32_t heap_find_process(const struct heap *h, uint32_t number); /* index or 0 */
uint32_t heap_site_count(const struct heap *h);
struct site *heap_site(struct heap *h, uint32_t index);
/* Borrowed, valid as the site is. NULL when its figures are exact. */
const struct errors *heap_site_errors(const struct heap *h, uint32_t index);
/* Are there figures that are estimates? */
bool heap_is_drawn(const struct heap *h);
/* As in the options. */
uint64_t heap_sample_bytes(const struct heap *h);
uint32_t heap_stack_count(const struct heap *h);
const struct heap_stack *heap_stack(const struct heap *h, uint32_t index);
/* Counts of no process in particular, and the sum over processes. */
uint64_t heap_counter(const struct heap *h, enum counter_id id);
/* Bytes that all tables use now. */
size_t heap_memory(const struct heap *h);

/* Sites in bulk, by site.bulk. */
uint32_t heap_bulk_count(const struct heap *h);
const struct bulk *heap_bulk(const struct heap *h, uint32_t bulk);
/* Of the blocks that were freed, and of all that were allocated at the site. */
const struct lifetimes *heap_site_lifetimes(const struct heap *h, uint32_t site);
/* What the site had when its process had the most, exactly. Of the same class. */
uint64_t heap_site_at_peak(const struct heap *h, uint32_t site);
/* When the process had the most; heap_now() when that is now. */
uint64_t heap_peak_time(const struct heap *h, uint32_t process, bool ranges);
/* How likely it was to be recorded. */
double chance_of(const struct heap *h, const struct heap_process *p, const struct block *block);

/* Checks every invariant (tests): totals against a walk over all blocks. Returns NULL or what is
 * wrong. */
const char *heap_check(struct heap *h);

#endif /* HEAP_HEAP_H */
