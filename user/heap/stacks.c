/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks: (process, 64-bit id) -> frames. An event may name a stack before its frames are here;
 * then there is an entry without frames that EVENT_STACK fills.
 *
 * A child of fork has its parent's addresses, and BPF does not send the frames again: an entry of a
 * child is filled from its parents when it is made (up to the last exec). Frames are shared between
 * entries and never freed before the heap is.
 *
 * Invariant: pcs of an entry never change once they are there.
 */
#include "tables.h"
#include <stdlib.h>
#include <string.h>

#define CHUNK_FRAMES  8192u
#define PARENTS_ASKED 64u /* a chain of forks must not make each new stack slow */

struct frames_chunk {
	struct frames_chunk *next;
	size_t used;
	uint64_t pcs[CHUNK_FRAMES];
};

struct stack_key {
	const struct heap *heap;
	uint64_t id;
	uint32_t process;
};

static bool key_matches(const void *context, uint32_t ref)
{
	const struct stack_key *key = context;
	const struct heap_stack *s = stack_at(key->heap, ref);

	return s->id == key->id && s->process == key->process;
}

static uint32_t find_stack(const struct heap *h, uint32_t process, uint64_t id)
{
	struct stack_key key = {.heap = h, .id = id, .process = process};

	return index_find(&h->stack_index, index_hash(h->seed, id, process), key_matches, &key);
}

static void take_from_parents(const struct heap *h, struct heap_stack *s)
{
	uint32_t parent = h->processes[s->process]->parent;

	for (uint32_t n = 0; parent && n < PARENTS_ASKED; n++) {
		uint32_t index = find_stack(h, parent, s->id);
		const struct heap_stack *from = index ? stack_at(h, index) : NULL;

		if (from && from->frame_count) {
			s->pcs = from->pcs;
			s->frame_count = from->frame_count;
			s->flags = from->flags;
			return;
		}
		parent = h->processes[parent]->parent;
	}
}

uint32_t stacks_get(struct heap *h, uint32_t process, uint64_t id)
{
	uint32_t index = find_stack(h, process, id);
	struct heap_stack *s;

	if (index)
		return index;
	index = pool_add(&h->stacks);
	if (!index)
		return 0;
	if (index_insert(&h->stack_index, index_hash(h->seed, id, process), index)) {
		pool_undo(&h->stacks);
		return 0;
	}
	s = stack_at(h, index);
	s->id = id;
	s->process = process;
	s->image = h->processes[process]->exec_count;
	take_from_parents(h, s);
	return index;
}

static uint64_t *frames_new(struct heap *h, uint32_t count)
{
	struct frames_chunk *c = h->frames;

	if (!c || CHUNK_FRAMES - c->used < count) {
		c = malloc(sizeof(*c));
		if (!c)
			return NULL;
		c->next = h->frames;
		c->used = 0;
		h->frames = c;
		h->frames_memory += sizeof(*c);
	}
	c->used += count;
	return &c->pcs[c->used - count];
}

void stacks_add(struct heap *h, uint32_t process, const struct event_stack *event)
{
	struct heap_process *p = h->processes[process];
	uint32_t index = stacks_get(h, process, event->id), count = event->frame_count;
	struct heap_stack *s = index ? stack_at(h, index) : NULL;
	uint64_t *pcs;

	if (s && s->frame_count) {
		if (count != s->frame_count || memcmp(s->pcs, event->pcs, count * sizeof(*s->pcs)))
			p->counts[COUNTER_STACK_COLLISION]++;
		return;
	}
	pcs = s ? frames_new(h, count) : NULL;
	if (!pcs) {
		p->counts[COUNTER_NO_MEMORY]++;
		return;
	}
	memcpy(pcs, event->pcs, count * sizeof(*pcs));
	s->pcs = pcs;
	s->frame_count = count;
	s->flags = event->h.flags;
}

void stacks_done(struct heap *h)
{
	struct frames_chunk *next;

	for (struct frames_chunk *c = h->frames; c; c = next) {
		next = c->next;
		free(c);
	}
	h->frames = NULL;
}
