/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sampler of the BPF side as plain C, with random numbers that are the same in every run, and a
 * program whose heap is known: processors on which it allocates, resizes and frees at sites. What was drawn goes
 * to a heap as events, in the way of bpf/call.bpf.h. Included once, by a test.
 */
#ifndef UNIT_SAMPLE_WORLD_H
#define UNIT_SAMPLE_WORLD_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "../../include/config.h"
#include "../../user/heap/heap.h"

static struct config config;

static uint64_t random_state;

/* splitmix64 */
static uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name
#define SEC(name)	    __attribute__((unused))
#define __noinline	    __attribute__((noinline, unused))
#undef __always_inline
#define __always_inline				    inline __attribute__((always_inline))
#define bpf_get_prandom_u32()			    ((uint32_t)random_next(&random_state))
#define bpf_map_update_elem(map, key, value, flags) ((void)(key), (void)(value), 0)
#define bpf_map_lookup_elem(map, key)		    ((void)(key), 1)
/* the loader fills in the table of logarithms */
#define const
#include "../../bpf/sample.bpf.h"
#undef const

static void sample_setup(uint64_t mean, uint64_t seed)
{
	for (int i = 0; i <= 256; i++)
		log2_table[i] = (uint32_t)lround(log2(1 + i / 256.0) * (1 << LOG2_BITS));
	config.sample_bytes = mean;
	random_state = seed * 0x2545f4914f6cdd1dull + 1;
}

/* ---- a program ---- */

#define WORLD_SITES 16u
#define WORLD_CPUS  8u
#define WORLD_LIVE  4096u

struct world_block {
	uint64_t address, bytes;
	uint32_t site;
	bool sampled;
};

struct world {
	struct heap *heap;
	uint64_t random, now_ns, next_address;
	__u64 left[WORLD_CPUS];
	struct totals sites[WORLD_SITES + 1], all; /* the truth; a site's number is its stack id */
	struct world_block live[WORLD_LIVE];
	uint32_t live_count;
};

static inline double world_uniform(struct world *w)
{
	return ((double)(random_next(&w->random) >> 11) + 0.5) * 0x1p-53;
}

static inline struct world *world_new(uint64_t mean, uint64_t seed)
{
	struct heap_options options = {.generation_ns = 1000000000, .sample_bytes = mean};
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	sample_setup(mean, seed);
	w->random = seed;
	w->next_address = 4096;
	w->heap = heap_new(&options);
	assert_non_null(w->heap);
	assert_int_equal(heap_add_process(w->heap, 1, 100, "program", 0), 1);
	return w;
}

static inline void world_free(struct world *w)
{
	assert_null(heap_check(w->heap));
	heap_free(w->heap);
	free(w);
}

static struct event_header world_header(struct world *w, uint32_t type, size_t size)
{
	return (struct event_header){.time_ns = ++w->now_ns,
				     .process = 1,
				     .tid = 1,
				     .size = (uint16_t)size,
				     .type = (uint8_t)type,
				     .call = CALL_ID_MALLOC};
}

static void truth_alloc(struct totals *t, uint64_t bytes)
{
	t->alloc_bytes += bytes;
	t->alloc_count++;
	t->outstanding_bytes += bytes;
	t->outstanding_count++;
}

static void truth_free(struct totals *t, uint64_t bytes)
{
	t->free_bytes += bytes;
	t->free_count++;
	t->outstanding_bytes -= bytes;
	t->outstanding_count--;
}

static inline struct world_block world_draw(struct world *w, uint32_t cpu, uint32_t site,
					    uint64_t bytes)
{
	truth_alloc(&w->sites[site], bytes);
	truth_alloc(&w->all, bytes);
	w->next_address += 64;
	return (struct world_block){.address = w->next_address,
				    .bytes = bytes,
				    .site = site,
				    .sampled = sample_wanted(&w->left[cpu], bytes)};
}

/* -1: it is freed at once, being one too many. */
static inline void world_release(struct world *w, const struct world_block *b)
{
	struct event_free e = {.h = world_header(w, EVENT_FREE, sizeof(e)), .address = b->address};

	truth_free(&w->sites[b->site], b->bytes);
	truth_free(&w->all, b->bytes);
	if (b->sampled)
		heap_apply(w->heap, &e.h);
}

static inline void world_alloc(struct world *w, uint32_t cpu, uint32_t site, uint64_t bytes)
{
	struct world_block b = world_draw(w, cpu, site, bytes);
	struct event_alloc e = {.h = world_header(w, EVENT_ALLOC, sizeof(e)),
				.address = b.address,
				.bytes = bytes,
				.stack = site};

	if (b.sampled)
		heap_apply(w->heap, &e.h);
	if (w->live_count < WORLD_LIVE)
		w->live[w->live_count++] = b;
	else
		world_release(w, &b);
}

/* live[i] at another place with another size, at its site. */
static inline void world_realloc(struct world *w, uint32_t cpu, uint32_t i, uint64_t bytes)
{
	struct world_block old = w->live[i];
	struct event_realloc e;

	truth_free(&w->sites[old.site], old.bytes);
	truth_free(&w->all, old.bytes);
	w->live[i] = world_draw(w, cpu, old.site, bytes);
	e = (struct event_realloc){.h = world_header(w, EVENT_REALLOC, sizeof(e)),
				   .old_address = old.address,
				   .entry_ns = w->now_ns};
	if (w->live[i].sampled) {
		e.address = w->live[i].address;
		e.bytes = bytes;
		e.stack = old.site;
	}
	if (old.sampled || w->live[i].sampled)
		heap_apply(w->heap, &e.h);
}

/* live[i] in place. */
static inline void world_resize(struct world *w, uint32_t i, uint64_t bytes)
{
	struct world_block *b = &w->live[i];
	struct event_alloc e = {.h = world_header(w, EVENT_RESIZE, sizeof(e)),
				.address = b->address,
				.bytes = bytes};

	truth_free(&w->sites[b->site], b->bytes);
	truth_free(&w->all, b->bytes);
	truth_alloc(&w->sites[b->site], bytes);
	truth_alloc(&w->all, bytes);
	b->bytes = bytes;
	heap_apply(w->heap, &e.h); /* the kernel side sends all of them */
}

static inline void world_free_one(struct world *w, uint32_t i)
{
	world_release(w, &w->live[i]);
	w->live[i] = w->live[--w->live_count];
}

#endif /* UNIT_SAMPLE_WORLD_H */
