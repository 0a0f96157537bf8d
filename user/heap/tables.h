/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of heap/: the tables behind struct heap and how a change is charged to them. Others
 * include heap.h. */
#ifndef HEAP_TABLES_H
#define HEAP_TABLES_H

#include "heap.h"
#include "index.h"
#include "pool.h"
#include "segment.h"

struct frames_chunk;

struct heap {
	uint64_t sample_bytes; /* 0: every allocation is recorded */
	bool drawn;    /* blocks have come that were drawn for others: those have errors, too */
	bool complete; /* neither sampled nor filtered */
	uint64_t generation_ns;
	uint64_t seed; /* of all hashes: random, so that no target can choose its collisions */
	bool started;
	uint64_t first_ns, now_ns, version;
	uint64_t elder_ns;	      /* UINT64_MAX: no block is an elder */
	uint64_t generation_inverse;  /* 2^64 / generation_ns, rounded down */
	uint64_t generation_start_ns; /* of the generation that most births are in */
	uint32_t generation;
	uint64_t window_ns,
		window_before_ns; /* when the window began and the one before; 0: at the start */

	struct pieces *pieces;		 /* for the blocks of all processes; NULL: none */
	struct heap_process **processes; /* [1, process_count] */
	uint32_t process_count, process_capacity;
	struct index process_index;
	struct heap_process *recent; /* found last */

	struct pool sites;
	struct pool lifetimes;	  /* of the sites, by the same numbers; see histories.c */
	struct lifetimes *shared; /* of many sites */
	uint32_t own_lifetimes;	  /* so many sites do not share theirs */
	struct pool bulks;	  /* of the sites that have one */
	struct pool errors; /* of the sites, by the same numbers; empty when nothing is sampled */
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

/* Of a site: LIFETIMES_OWN, else which of the shared ones. */
#define LIFETIMES_SHARED (HISTOGRAM_BUCKETS + 1)
#define LIFETIMES_OWN	 UINT8_MAX

static inline struct lifetimes *lifetimes_at(const struct heap *h, uint32_t site)
{
	return pool_at(&h->lifetimes, site);
}

/* Are there items in the pool of errors? */
static inline bool keeps_errors(const struct heap *h)
{
	return h->sample_bytes || h->drawn;
}

/* Are the figures of the site estimates? Else its item, if there is one, is not used. */
static inline bool has_errors(const struct heap *h, uint32_t site)
{
	return h->sample_bytes ||
	       (h->drawn && site_at(h, site)->call == CALL_ID_GO && !site_at(h, site)->bulk);
}

static inline struct errors *errors_at(const struct heap *h, uint32_t site)
{
	return pool_at(&h->errors, site);
}

static inline struct bulk *bulk_at(const struct heap *h, uint32_t bulk)
{
	return pool_at(&h->bulks, bulk);
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

/* What an event needs, found out ahead of it (batch.c). */
struct ahead {
	struct heap_process *process; /* NULL: not known, or not sane */
	struct blocks_ahead block;    /* that it allocates or releases */
	uint32_t site_hash, site;     /* of the site that it allocates at; the site is a guess */
	uint32_t alloc;		      /* 1: an EVENT_ALLOC */
	bool sane;
};

/* apply.c: the only writer. The record is sane, its process known, nothing of its block. */
void apply_event(struct heap *h, const struct event_header *e, const struct ahead *a);
/* Events with all that is known ahead; ends after one that may have made it wrong. How many. */
uint32_t apply_events(struct heap *h, const struct event_header *const *events,
		      const struct ahead *a, uint32_t count, bool *moved);

/* Moves the clock of the heap on. */
static inline void heap_advance(struct heap *h, uint64_t time_ns)
{
	if (!h->started) {
		h->started = true;
		h->first_ns = time_ns;
	}
	if (time_ns > h->now_ns)
		h->now_ns = time_ns;
}

/*
 * heap_generation() without a division and without branches: the blocks that are freed were born at any time. The product
 * is the quotient or one less.
 */
static inline uint32_t generation_at(const struct heap *h, uint64_t time_ns)
{
	uint64_t age = time_ns > h->first_ns ? time_ns - h->first_ns : 0;
	uint64_t number = (uint64_t)((unsigned __int128)age * h->generation_inverse >> 64);

	number += age - number * h->generation_ns >= h->generation_ns;
	/* the largest number is kept free, so that there is one that all generations are older than
	 */
	return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX - 1;
}

/* The same for a birth: most are in the generation that the one before was in. */
static inline uint32_t generation_now(struct heap *h, uint64_t time_ns)
{
	if (time_ns - h->generation_start_ns < h->generation_ns)
		return h->generation;
	h->generation = generation_at(h, time_ns);
	h->generation_start_ns = h->first_ns + h->generation * h->generation_ns;
	return h->generation;
}

/* NULL when there is no such process; found ones are remembered. */
struct heap_process *heap_look_up(struct heap *h, uint32_t number);

static inline struct heap_process *heap_process_of(struct heap *h, uint32_t number)
{
	struct heap_process *p = h->recent;

	return p && p->number == number ? p : heap_look_up(h, number);
}

/* sites.c: the site of (process, stack, call), made when new. 0 when out of memory. */
uint32_t sites_get(struct heap *h, uint32_t process, uint64_t stack_id, uint8_t call);
/* From here on there are errors, also of those that are there. False when there is no memory. */
bool sites_draw(struct heap *h);
/* The same without what is shown here: the hash of the key, a guess (0: none). */
uint32_t sites_search(struct heap *h, uint32_t process, uint64_t stack_id, uint8_t call,
		      uint32_t hash);

static inline uint32_t sites_hash(const struct heap *h, uint32_t process, uint64_t stack_id,
				  uint8_t call)
{
	return index_hash(h->seed, stack_id, (uint64_t)process << 8 | call);
}

static inline bool is_site_of(const struct site *s, const struct heap_process *p, uint64_t stack_id,
			      uint8_t call)
{
	return s->stack_id == stack_id && s->process == p->index && s->call == call;
}

static inline uint32_t sites_get_by(struct heap *h, const struct heap_process *p, uint64_t stack_id,
				    uint8_t call, uint32_t hash, uint32_t guess)
{
	const struct site *s = guess ? site_at(h, guess) : NULL;

	return s && is_site_of(s, p, stack_id, call)
		       ? guess
		       : sites_search(h, p->index, stack_id, call, hash);
}

/* What a block counts for in the figures: itself, or when it was drawn all that it stands for. */
struct weight {
	uint64_t bytes, count;
};
struct weight weight_sampled(const struct heap *h, const struct heap_process *p,
			     const struct block *block);

/* The same for a block's whole life. */
static inline struct weight weight_of(const struct heap *h, const struct heap_process *p,
				      const struct block *block)
{
	if (!h->sample_bytes && !p->weights.count)
		return (struct weight){.bytes = block->bytes, .count = 1};
	return weight_sampled(h, p, block);
}

/*
 * weight.c: weight_set() says for how many blocks of its size one stands, before it is in any figure; weight_resize() keeps the size that a sampled block was drawn with when it is about to
 * get another one, and is false when there is no memory; weight_forget() when it goes.
 */
bool weight_set(struct heap_process *p, const struct block *block, uint64_t count);
bool weight_resize(struct heap_process *p, const struct block *block);
void weight_forget(struct heap_process *p, const struct block *block);
/* All that is outstanding is freed. */
void sites_free_all(struct heap *h, struct heap_process *p, uint32_t site, uint64_t time_ns);
/*
 * What is outstanding at `from` is allocated at `to`, a site of p with nothing outstanding. False
 * when there is no memory for the ages.
 */
bool sites_inherit(struct heap *h, struct heap_process *p, uint32_t to, uint32_t from,
		   uint64_t time_ns);

/* error.c: the same for the errors of the figures. */
void errors_charge_alloc(struct heap *h, struct heap_process *p, const struct block *block);
void errors_charge_free(struct heap *h, struct heap_process *p, const struct block *block);
void errors_charge_free_all(struct errors *site, struct errors *process);
void errors_disinherit(struct errors *site, struct errors *process);
/* What is outstanding `from` there is allocated at the site. */
void errors_inherit(struct errors *site, struct errors *process, const struct errors *from);

static inline void errors_alloc(struct heap *h, struct heap_process *p, const struct block *block)
{
	if (has_errors(h, block->site))
		errors_charge_alloc(h, p, block);
}

static inline void errors_free(struct heap *h, struct heap_process *p, const struct block *block)
{
	if (has_errors(h, block->site))
		errors_charge_free(h, p, block);
}
/* windows.c: more or less of what is carried over; charged to the totals already. */
void windows_add(const struct heap *h, struct site *s, struct weight w, uint64_t born_ns);
void windows_take(const struct heap *h, struct site *s, struct weight w, uint64_t born_ns);

/* histories.c: the shared lifetimes are there; false when there is no memory. */
bool histories_init(struct heap *h);
/* To be read only. */
const struct lifetimes *histories_read(const struct heap *h, uint32_t site);
/* Lifetimes that are those of this site alone from now on. */
struct lifetimes *histories_own(struct heap *h, uint32_t site);
/* A block more, or a block less, at a site that shares its lifetimes. */
void histories_begin(struct heap *h, uint32_t site, uint32_t bucket, uint64_t count);
void histories_end(struct heap *h, uint32_t site, uint32_t bucket, uint64_t count);
/* What they were in another heap. */
void histories_restore(struct heap *h, uint32_t site, const struct lifetimes *like);

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

/* bulk.c: the site is one in bulk from now on. NULL when out of memory. */
struct bulk *bulk_of(struct heap *h, struct site *s);
void bulk_apply(struct heap *h, struct heap_process *p, const struct event_bulk *event);

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
