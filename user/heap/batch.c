/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events into the heap, many at once. With a million blocks nearly everything that an event touches is far from the CPU:
 * the block's place in the index, the block, its site. So events are looked at in groups, some groups ahead of their turn:
 * first the records are checked, their hashes made and the segments fetched; then the places in the indices; then, when
 * these are there, the blocks; then what a released block leads to. Nothing is changed here before apply_event().
 *
 * Nothing foretells whether the next event is an allocation or a free, and a branch that is guessed wrongly costs as much
 * as thirty instructions: a group has a list of each kind, made without branches, and each step walks the lists.
 *
 * Invariant: an event is applied with what was found out about it, and nothing of that can become wrong by the events
 * before it: hashes stay, processes are never removed, a site is a guess that is compared, a table of blocks says when what
 * was known of it has changed. A process that was not known is looked for again, because a fork may have added it.
 */
#include "records.h"

#define GROUP	16u
#define STAGES	4u /* a group is applied in the last one */
#define IN_TURN (1u << EVENT_ALLOC | 1u << EVENT_FREE)

struct group {
	struct ahead a[GROUP];
	uint8_t allocs[GROUP], releases[GROUP]; /* members of these kinds */
	uint32_t alloc_count, release_count, count;
};

/* What an event that names a block will ask for. */
static inline void look_at_block(struct heap *h, const struct event_header *e, struct ahead *a,
				 uint64_t address, uint64_t stack)
{
	blocks_fetch_segment(&a->process->blocks, address, &a->block);
	a->site_hash = sites_hash(h, a->index, stack, e->call);
	index_prefetch(&h->site_index, a->site_hash);
}

static inline void look_at_rare(struct heap *h, const struct event_header *e, struct ahead *a)
{
	const struct event_realloc *r = (const void *)e;
	struct blocks_ahead other;

	a->sane = record_is_sane(e);
	a->process = a->sane ? heap_process_of(h, e->process, &a->index) : NULL;
	if (!a->process || e->type != EVENT_REALLOC)
		return;
	a->released = a->charged = true;
	look_at_block(h, e, a, r->old_address, r->stack);
	blocks_fetch_segment(&a->process->blocks, r->address, &other);
	blocks_fetch_bucket(&a->process->blocks, &other);
}

static inline void look_at(struct heap *h, const struct event_header *e, struct ahead *a)
{
	uint32_t alloc = e->type == EVENT_ALLOC;
	const uint64_t *words = (const void *)(e + 1);

	a->process = NULL;
	a->sane = a->released = a->charged = false;
	a->site = 0;
	if (e->type >= 32 || !(IN_TURN >> e->type & 1)) {
		look_at_rare(h, e, a);
		return;
	}
	a->sane = record_is_sane(e);
	if (!a->sane)
		return;
	a->process = heap_process_of(h, e->process, &a->index);
	if (!a->process)
		return;
	a->charged = alloc;
	a->released = !alloc;
	/* a free has no stack: any word will do */
	look_at_block(h, e, a, words[0], words[2 * alloc]);
}

static void look(struct heap *h, struct group *g, const struct event_header *const *events,
		 size_t count)
{
	g->count = count < GROUP ? (uint32_t)count : GROUP;
	g->alloc_count = g->release_count = 0;
	for (uint32_t i = 0; i < g->count; i++) {
		look_at(h, events[i], &g->a[i]);
		g->allocs[g->alloc_count] = g->releases[g->release_count] = (uint8_t)i;
		g->alloc_count += g->a[i].charged;
		g->release_count += g->a[i].released;
	}
}

static inline void prefetch_site(const struct heap *h, uint32_t index)
{
	const struct site *s = site_at(h, index);

	__builtin_prefetch(s, 1);
	__builtin_prefetch((const char *)s + 64, 1);
}

static void fetch_buckets(const struct heap *h, struct group *g)
{
	for (uint32_t i = 0; i < g->release_count; i++) {
		struct ahead *a = &g->a[g->releases[i]];

		blocks_fetch_bucket(&a->process->blocks, &a->block);
	}
	for (uint32_t i = 0; i < g->alloc_count; i++) {
		struct ahead *a = &g->a[g->allocs[i]];

		if (!a->released)
			blocks_fetch_bucket(&a->process->blocks, &a->block);
		a->site = index_peek(&h->site_index, a->site_hash);
		if (a->site)
			prefetch_site(h, a->site);
	}
}

static void fetch_blocks(struct group *g)
{
	for (uint32_t i = 0; i < g->release_count; i++) {
		struct ahead *a = &g->a[g->releases[i]];

		blocks_fetch_block(&a->process->blocks, &a->block);
	}
	for (uint32_t i = 0; i < g->alloc_count; i++) {
		struct ahead *a = &g->a[g->allocs[i]];

		if (!a->released)
			blocks_fetch_room(&a->process->blocks, &a->block);
	}
}

static void fetch_sites(const struct heap *h, struct group *g,
			const struct event_header *const *events)
{
	for (uint32_t i = 0; i < g->release_count; i++) {
		const struct ahead *a = &g->a[g->releases[i]];
		const struct block *block = a->block.block;

		if (block && blocks_ahead_holds(&a->process->blocks, &a->block) && block->address) {
			uint64_t age =
				lifetimes_age(block->born_ns, events[g->releases[i]]->time_ns);

			prefetch_site(h, block->site);
			__builtin_prefetch(
				&lifetimes_at(h, block->site)->ages.v[lifetimes_age_bucket(age)],
				1);
		}
	}
}

static inline void apply_looked(struct heap *h, const struct event_header *e, struct ahead *a)
{
	if (a->sane && !a->process)
		look_at(h, e, a);
	if (!a->sane)
		h->counts[COUNTER_BAD_RECORD]++;
	else if (!a->process)
		h->counts[COUNTER_NO_PROCESS]++;
	else
		apply_event(h, e, a);
}

void heap_apply(struct heap *h, const struct event_header *event)
{
	struct ahead a;

	look_at(h, event, &a);
	apply_looked(h, event, &a);
}

void heap_apply_batch(struct heap *h, const struct event_header *const *events, size_t count)
{
	struct group groups[STAGES];
	size_t group_count = (count + GROUP - 1) / GROUP;

	for (size_t n = 0; n < group_count + STAGES - 1; n++) {
		if (n < group_count)
			look(h, &groups[n % STAGES], events + n * GROUP, count - n * GROUP);
		if (n >= 1 && n - 1 < group_count)
			fetch_buckets(h, &groups[(n - 1) % STAGES]);
		if (n >= 2 && n - 2 < group_count)
			fetch_blocks(&groups[(n - 2) % STAGES]);
		if (n >= 3) {
			struct group *g = &groups[(n - 3) % STAGES];

			fetch_sites(h, g, events + (n - 3) * GROUP);
			for (uint32_t i = 0; i < g->count; i++)
				apply_looked(h, events[(n - 3) * GROUP + i], &g->a[i]);
		}
	}
}
