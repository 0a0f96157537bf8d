/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heap as an object: life, clock, processes, and what readers ask it for. Changes are made by
 * apply.c and the files it calls.
 *
 * Invariant: process, site and stack numbers count from 1 without gaps and never change; pointers
 * to them are valid until heap_free().
 */
#include "tables.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "../base/clock.h"
#include "pieces.h"

struct heap *heap_new(const struct heap_options *options)
{
	struct heap *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->sample_bytes = options ? options->sample_bytes : 0;
	h->complete = !h->sample_bytes && !(options && options->filtered);
	h->generation_ns = options && options->generation_ns ? options->generation_ns : 1000000000;
	h->elder_ns = options && options->elder_ns ? options->elder_ns : UINT64_MAX;
	h->generation_inverse = UINT64_MAX / h->generation_ns;
	if (getrandom(&h->seed, sizeof(h->seed), GRND_NONBLOCK) != (ssize_t)sizeof(h->seed))
		h->seed = (uintptr_t)h;
	pool_init(&h->sites, sizeof(struct site));
	pool_init(&h->lifetimes, sizeof(struct lifetimes));
	h->lifetimes.sparse = true;
	pool_init(&h->bulks, sizeof(struct bulk));
	h->pieces = pieces_new();
	pool_init(&h->errors, sizeof(struct errors));
	pool_init(&h->stacks, sizeof(struct heap_stack));
	if (histories_init(h))
		return h;
	heap_free(h);
	return NULL;
}

void heap_free(struct heap *h)
{
	if (!h)
		return;
	for (uint32_t i = 1; i <= h->sites.count; i++)
		generations_done(&site_at(h, i)->generations);
	for (uint32_t i = 1; i <= h->process_count; i++) {
		blocks_done(&h->processes[i]->blocks);
		blocks_done(&h->processes[i]->resized);
		blocks_done(&h->processes[i]->weights);
		ranges_done(&h->processes[i]->ranges);
		free(h->processes[i]->reuses);
		free(h->processes[i]->repeats);
		free(h->processes[i]);
	}
	free(h->processes);
	pieces_free(h->pieces);
	index_done(&h->process_index);
	index_done(&h->site_index);
	index_done(&h->stack_index);
	pool_done(&h->sites);
	pool_done(&h->lifetimes);
	free(h->shared);
	pool_done(&h->bulks);
	pool_done(&h->errors);
	pool_done(&h->stacks);
	stacks_done(h);
	free(h);
}

uint32_t heap_generation(const struct heap *h, uint64_t time_ns)
{
	return generation_at(h, time_ns);
}

uint64_t heap_generation_start(const struct heap *h, uint32_t number)
{
	return h->first_ns + number * h->generation_ns;
}

struct process_key {
	const struct heap *heap;
	uint32_t number;
};

static bool process_matches(const void *context, uint32_t ref)
{
	const struct process_key *key = context;

	return key->heap->processes[ref]->number == key->number;
}

uint32_t heap_find_process(const struct heap *h, uint32_t number)
{
	struct process_key key = {.heap = h, .number = number};

	return index_find(&h->process_index, index_hash(h->seed, number, 0), process_matches, &key);
}

struct heap_process *heap_look_up(struct heap *h, uint32_t number)
{
	uint32_t index = heap_find_process(h, number);

	if (!index)
		return NULL;
	h->recent = h->processes[index];
	return h->recent;
}

static int reserve_process(struct heap *h)
{
	uint32_t capacity = h->process_capacity ? h->process_capacity * 2 : 16;
	struct heap_process **v;

	if (h->process_count + 1 < h->process_capacity)
		return 0;
	v = realloc(h->processes, capacity * sizeof(*v));
	if (!v)
		return -ENOMEM;
	h->processes = v;
	h->process_capacity = capacity;
	return 0;
}

static uint32_t new_process(struct heap *h, uint32_t number)
{
	struct heap_process *p = reserve_process(h) ? NULL : calloc(1, sizeof(*p));

	if (!p)
		return 0;
	if (index_insert(&h->process_index, index_hash(h->seed, number, 0), h->process_count + 1)) {
		free(p);
		return 0;
	}
	p->number = number;
	p->index = h->process_count + 1;
	p->blocks.seed = h->seed;
	p->blocks.pieces = h->pieces;
	p->resized.seed = h->seed;
	p->weights.seed = h->seed;
	h->processes[++h->process_count] = p;
	return h->process_count;
}

/* When it is there already (a fork event was faster) only pid and name are brought up to date. */
uint32_t heap_add_process(struct heap *h, uint32_t number, uint32_t pid, const char *comm,
			  uint64_t now_ns)
{
	uint32_t index = heap_find_process(h, number);

	if (!index) {
		index = new_process(h, number);
		if (!index) {
			errno = ENOMEM;
			return 0;
		}
		h->processes[index]->started_ns = now_ns;
		if (!h->started)
			heap_advance(h, now_ns);
	}
	h->processes[index]->pid = pid;
	if (comm)
		heap_set_comm(h, index, comm);
	h->version++;
	return index;
}

void heap_set_comm(struct heap *h, uint32_t process, const char *comm)
{
	char *to = h->processes[process]->comm;
	size_t length = strnlen(comm, sizeof(h->processes[process]->comm) - 1);

	memset(to, 0, sizeof(h->processes[process]->comm));
	memcpy(to, comm, length);
}

uint64_t heap_now(const struct heap *h)
{
	return h->now_ns;
}

uint64_t heap_version(const struct heap *h)
{
	return h->version;
}

uint32_t heap_process_count(const struct heap *h)
{
	return h->process_count;
}

struct heap_process *heap_process(struct heap *h, uint32_t index)
{
	return h->processes[index];
}

uint32_t heap_site_count(const struct heap *h)
{
	return h->sites.count;
}

struct site *heap_site(struct heap *h, uint32_t index)
{
	return site_at(h, index);
}

const struct errors *heap_site_errors(const struct heap *h, uint32_t index)
{
	return has_errors(h, index) ? errors_at(h, index) : NULL;
}

const struct lifetimes *heap_site_lifetimes(const struct heap *h, uint32_t site)
{
	return histories_read(h, site);
}

/* It still has its most: then so do the sites. */
static bool is_at_peak(const struct totals *t)
{
	return t->outstanding_bytes == t->peak_bytes;
}

uint64_t heap_site_at_peak(const struct heap *h, uint32_t site)
{
	const struct site *s = site_at(h, site);
	struct heap_process *p = h->processes[s->process];

	/* since the peak it has not changed */
	if (s->peak != p->peaks[s->range].number || is_at_peak(totals_of(p, s)))
		return s->totals.outstanding_bytes;
	return s->peak_bytes;
}

uint64_t heap_peak_time(const struct heap *h, uint32_t process, bool ranges)
{
	const struct heap_process *p = h->processes[process];

	if (is_at_peak(ranges ? &p->ranges_totals : &p->totals))
		return h->now_ns;
	return p->peaks[ranges].time_ns;
}

uint32_t heap_bulk_count(const struct heap *h)
{
	return h->bulks.count;
}

const struct bulk *heap_bulk(const struct heap *h, uint32_t bulk)
{
	return bulk_at(h, bulk);
}

bool heap_is_drawn(const struct heap *h)
{
	return keeps_errors(h);
}

uint64_t heap_sample_bytes(const struct heap *h)
{
	return h->sample_bytes;
}

uint32_t heap_stack_count(const struct heap *h)
{
	return h->stacks.count;
}

const struct heap_stack *heap_stack(const struct heap *h, uint32_t index)
{
	return stack_at(h, index);
}

/* Not counted as they come: the frames may arrive later. */
static uint64_t allocs_without_stack(const struct heap *h)
{
	uint64_t count = 0;

	for (uint32_t i = 1; i <= h->sites.count; i++) {
		const struct site *s = site_at(h, i);

		if (!s->stack || !stack_at(h, s->stack)->frame_count)
			count += s->totals.alloc_count;
	}
	return count;
}

uint64_t heap_counter(const struct heap *h, enum counter_id id)
{
	uint64_t sum = h->counts[id];

	for (uint32_t i = 1; i <= h->process_count; i++)
		sum += h->processes[i]->counts[id];
	return id == COUNTER_STACK_UNKNOWN ? sum + allocs_without_stack(h) : sum;
}

size_t heap_memory(const struct heap *h)
{
	size_t sum = sizeof(*h) + pool_memory(&h->sites) + pool_memory(&h->bulks) +
		     pool_memory(&h->errors) + h->own_lifetimes * sizeof(struct lifetimes) +
		     pool_memory(&h->stacks) + index_memory(&h->process_index) +
		     index_memory(&h->site_index) + index_memory(&h->stack_index) +
		     h->frames_memory + h->process_capacity * sizeof(*h->processes) +
		     pieces_idle(h->pieces);

	for (uint32_t i = 1; i <= h->process_count; i++) {
		const struct heap_process *p = h->processes[i];

		sum += sizeof(*p) + blocks_memory(&p->blocks) + blocks_memory(&p->resized) +
		       blocks_memory(&p->weights) + p->ranges.capacity * sizeof(*p->ranges.v);
	}
	for (uint32_t i = 1; i <= h->sites.count; i++)
		sum += site_at(h, i)->generations.capacity * sizeof(struct generation);
	return sum;
}

void heap_count(struct heap *h, uint32_t number, enum counter_id id)
{
	uint32_t index = heap_find_process(h, number);

	if (index)
		h->processes[index]->counts[id]++;
	else
		h->counts[id]++;
}
