/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of heap/: the tables behind struct heap and how a change is charged to them. Others
 * include heap.h. */
#ifndef HEAP_TABLES_H
#define HEAP_TABLES_H

#include "heap.h"
#include "index.h"
#include "pool.h"

struct frames_chunk;

struct heap {
	uint64_t sample_bytes; /* 0: every allocation is recorded */
	bool complete;	       /* neither sampled nor filtered */
	uint64_t generation_ns;
	uint64_t seed; /* of all hashes: random, so that no target can choose its collisions */
	bool started;
	uint64_t first_ns, now_ns, version;
	uint64_t window_ns,
		window_before_ns; /* when the window began and the one before; 0: at the start */
	/* the generation of the newest event, to spare a division: [start, end) */
	uint64_t generation_start, generation_end;
	uint32_t generation;

	struct heap_process **processes; /* [1, process_count] */
	uint32_t process_count, process_capacity;
	struct index process_index;
	uint32_t recent; /* the process found last */

	struct pool sites;
	struct index site_index;
	struct pool stacks;
	struct index stack_index;
	struct frames_chunk *frames; /* newest first */
	size_t frames_memory;

	uint64_t counts[COUNTER_COUNT]; /* of no process in particular */
};

static inline struct site *site_at(const struct heap *h, uint32_t index)
{
	return pool_at(&h->sites, index);
}

static inline struct heap_stack *stack_at(const struct heap *h, uint32_t index)
{
	return pool_at(&h->stacks, index);
}

/* Born before the window: where it lies now anything may have happened since. */
static inline bool is_carried(const struct heap *h, uint64_t born_ns)
{
	return born_ns < h->window_ns;
}

static inline struct totals *totals_of(struct heap_process *p, const struct site *s)
{
	return s->range ? &p->ranges_totals : &p->totals;
}

/* heap.c: moves the clock of the heap on. */
void heap_advance(struct heap *h, uint64_t time_ns);
/* NULL when there is no such process; found ones are remembered. */
struct heap_process *heap_process_of(struct heap *h, uint32_t number, uint32_t *index);

/* sites.c: the site of (process, stack, call), made when new. 0 when out of memory. */
uint32_t sites_get(struct heap *h, uint32_t process, uint64_t stack_id, uint8_t call);
void sites_prefetch(const struct heap *h, uint32_t process, uint64_t stack_id, uint8_t call);
/* Most likely that site, or NULL: to be prefetched, no more. */
const struct site *sites_peek(const struct heap *h, uint32_t process, uint64_t stack_id,
			      uint8_t call);
/* What a block counts for in the figures: itself, or when sampled all that it stands for. */
struct weight {
	uint64_t bytes, count;
};
/* weight.c: the same for a block's whole life. */
struct weight weight_of(const struct heap *h, uint64_t address, uint64_t bytes, uint64_t born_ns);
/* One block more, and one block (or, count 0, a piece of one) less, at the site and its process. */
void sites_alloc(struct heap *h, struct heap_process *p, uint32_t site, struct weight w,
		 uint64_t time_ns);
/* The same for a block that was born before. */
void sites_alloc_at(struct heap *h, struct heap_process *p, uint32_t site, struct weight w,
		    uint64_t born_ns, uint64_t time_ns);
void sites_free(struct heap *h, struct heap_process *p, uint32_t site, struct weight w,
		uint64_t born_ns, uint64_t time_ns);
/* All that is outstanding is freed. */
void sites_free_all(struct heap *h, struct heap_process *p, struct site *s, uint64_t time_ns);
/*
 * What is outstanding at `from` is allocated at `to`, a site of p with nothing outstanding. False
 * when there is no memory for the ages.
 */
bool sites_inherit(struct heap *h, struct heap_process *p, struct site *to, const struct site *from,
		   uint64_t time_ns);

/* windows.c: more or less of what is carried over; charged to the totals already. */
void windows_add(const struct heap *h, struct site *s, struct weight w, uint64_t born_ns);
void windows_take(const struct heap *h, struct site *s, struct weight w, uint64_t born_ns);

/* stacks.c: the number of a stack; without frames when they are not known. 0 when out of memory. */
uint32_t stacks_get(struct heap *h, uint32_t process, uint64_t id);
void stacks_add(struct heap *h, uint32_t process, const struct event_stack *event);
void stacks_done(struct heap *h);

/*
 * reuses.c: notes that [start, start + bytes) was handed out at time_ns although it was live;
 * `range` keeps blocks and mappings apart. A release that began before explains it:
 * reuses_explain() takes such notes and their counts back and says whether there were any.
 */
void reuses_note(struct heap_process *p, uint64_t start, uint64_t bytes, bool range,
		 uint64_t time_ns);
bool reuses_explain(struct heap_process *p, uint64_t start, uint64_t bytes, bool range,
		    uint64_t entry_ns);

/* repeats.c: notes a free of an unknown block. */
void repeats_note(struct heap *h, struct heap_process *p, uint64_t address);

/* mappings.c and lineage.c: events that apply.c has checked. */
void mappings_mmap(struct heap *h, struct heap_process *p, uint32_t process,
		   const struct event_alloc *event);
void mappings_munmap(struct heap *h, struct heap_process *p, const struct event_range *event);
void mappings_mremap(struct heap *h, struct heap_process *p, uint32_t process,
		     const struct event_range *event);
void lineage_fork(struct heap *h, uint32_t parent, const struct event_fork *event);
void lineage_exec(struct heap *h, uint32_t process, const struct event_process *event);
void lineage_exit(struct heap_process *p, const struct event_process *event);

#endif /* HEAP_TABLES_H */
