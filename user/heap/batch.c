/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events into the heap, many at once. With a million blocks nearly everything that an event touches is far from the CPU:
 * the block's place in the index, and the block. So events are looked at in groups, some groups ahead of their turn:
 * first the records are checked, their hashes made and the places in the index fetched; then, when these are there, the
 * blocks. Segments, the index of sites and the sites are near enough. Nothing is changed here before apply_events().
 *
 * Nothing foretells whether the next event is an allocation or a free, and a branch that is guessed wrongly costs as much
 * as thirty instructions: so a step is the same for both, and where they differ it takes one of two values.
 * An address that is far away in virtual memory, too, holds the CPU up until its page is found: short loops let it look for several at once.
 *
 * Invariant: an event is applied with what was found out about it, and nothing of that can become wrong by the events
 * before it: hashes stay, processes are never removed, a site is a guess that is compared, and what is known of blocks is
 * forgotten when any have moved. A process that was not known is looked for again, because a fork may have added it.
 */
#include "records.h"

#define GROUP 32u
#define STEPS 3u /* a group is applied in the last one */

struct group {
	struct ahead a[GROUP];
	const struct event_header *const *events;
	uint32_t count;
};

/* What an event that names a block will ask for. */
static inline void look_at_block(struct heap *h, const struct event_header *e, struct ahead *a,
				 uint64_t address, uint64_t stack, uint32_t charged)
{
	blocks_fetch_bucket(&a->process->blocks, address, &a->block);
	a->site_hash = sites_hash(h, a->process->index, stack, e->call) & -charged;
	a->site = index_peek(&h->site_index, a->site_hash);
}

/* Nothing but what it is. */
static void look_at_nothing(struct ahead *a, bool sane)
{
	a->process = NULL;
	a->alloc = 0;
	a->sane = sane;
	a->site = a->site_hash = 0;
	blocks_forget(&a->block);
}

static void look_at_other(struct heap *h, const struct event_header *e, struct ahead *a)
{
	const struct event_realloc *r = (const void *)e;
	struct blocks_ahead other;

	look_at_nothing(a, record_is_sane_other(e));
	a->process = a->sane ? heap_process_of(h, e->process) : NULL;
	if (!a->process || e->type != EVENT_REALLOC)
		return;
	look_at_block(h, e, a, r->old_address, r->stack, 1);
	blocks_fetch_bucket(&a->process->blocks, r->address, &other);
}

static inline __attribute__((always_inline)) void
look_at(struct heap *h, const struct event_header *e, struct ahead *a)
{
	const uint64_t *words = (const void *)(e + 1);
	uint32_t kind = e->type - EVENT_ALLOC;
	size_t alloc;
	bool sane;

	_Static_assert(EVENT_FREE == EVENT_ALLOC + 1, "kind");
	if (__builtin_expect(kind > 1, 0)) {
		look_at_other(h, e, a);
		return;
	}
	/*
	 * Not by a comparison: its result is a byte, written to a register whose other bytes are those that the event before has left
	 * there at its end, so that each event would wait for the one before.
	 */
	alloc = kind ^ 1;
	a->alloc = (uint32_t)alloc;
	sane = record_is_sane_pair(e, alloc);
	a->process = sane ? heap_process_of(h, e->process) : NULL;
	/* a free has no stack: any word will do */
	if (__builtin_expect(a->process != NULL, 1))
		look_at_block(h, e, a, words[0], words[2 * alloc], (uint32_t)alloc);
	else
		look_at_nothing(a, sane);
}

void heap_apply(struct heap *h, const struct event_header *event)
{
	struct ahead a;

	look_at(h, event, &a);
	blocks_forget(&a.block);
	if (a.process)
		apply_event(h, event, &a);
	else
		h->counts[a.sane ? COUNTER_NO_PROCESS : COUNTER_BAD_RECORD]++;
}

/* All that is in flight. */
static void forget(struct group *groups)
{
	for (uint32_t i = 0; i < STEPS * GROUP; i++)
		blocks_forget(&groups[i / GROUP].a[i % GROUP].block);
}

static void look(struct heap *h, struct group *g, const struct event_header *const *events,
		 size_t count)
{
	g->events = events;
	g->count = count < GROUP ? (uint32_t)count : GROUP;
	for (uint32_t i = 0; i < g->count; i++)
		look_at(h, events[i], &g->a[i]);
}

static void fetch_blocks(struct group *g)
{
	for (struct ahead *a = g->a, *end = a + g->count; a < end; a++)
		blocks_fetch_block(&a->block, a->alloc);
}

static void apply(struct heap *h, struct group *groups, struct group *g)
{
	uint32_t done = 0;

	while (done < g->count) {
		bool moved = false;

		done += apply_events(h, g->events + done, g->a + done, g->count - done, &moved);
		if (moved)
			forget(groups);
	}
}

void heap_apply_batch(struct heap *h, const struct event_header *const *events, size_t count)
{
	struct group groups[STEPS];
	size_t group_count = (count + GROUP - 1) / GROUP;

	/* where there is no such group, the difference is not below the count */
	for (size_t n = 0; n < group_count + STEPS - 1; n++) {
		if (n < group_count)
			look(h, &groups[n % STEPS], events + n * GROUP, count - n * GROUP);
		if (n - 1 < group_count)
			fetch_blocks(&groups[(n - 1) % STEPS]);
		if (n - 2 < group_count)
			apply(h, groups, &groups[(n - 2) % STEPS]);
	}
	/* nothing is in flight */
	if (h->recent)
		blocks_settle(&h->recent->blocks);
}
