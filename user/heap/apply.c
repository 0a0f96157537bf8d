/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One event -> tables: the only writer of the heap. Input comes from capture/ in nearly the order
 * of time. Here are the checks of every record and the rules for blocks; ranges are in mappings.c,
 * processes in lineage.c.
 *
 *   alloc     a block at a live address: the old one is closed as freed at its site (no event: it was
 *             not seen), and noted as reused until a release explains it.
 *   free      releases a block that was born at or before the event; a younger one is another block,
 *             and the late event explains its reuse.
 *   realloc   the same with the time of the call's entry, then an allocation at the call's own site.
 *   resize    old bytes are freed and new bytes allocated at the block's own site, one block each, so
 *             that alloc - free = outstanding; birth and event count stay.
 *
 * Invariant: event_count is the number of recorded allocations plus that of recorded frees whose
 * block was known.
 */
#include "tables.h"

#define BYTES_MAX                                                                                  \
	(1ull << 56) /* above any address space: sums and ends of ranges cannot overflow */

static const uint16_t record_sizes[] = {
	[EVENT_ALLOC] = sizeof(struct event_alloc),	[EVENT_FREE] = sizeof(struct event_free),
	[EVENT_REALLOC] = sizeof(struct event_realloc), [EVENT_RESIZE] = sizeof(struct event_alloc),
	[EVENT_STACK] = sizeof(struct event_stack),	[EVENT_FORK] = sizeof(struct event_fork),
	[EVENT_EXEC] = sizeof(struct event_process),	[EVENT_EXIT] = sizeof(struct event_process),
	[EVENT_MODULES] = sizeof(struct event_process), [EVENT_MMAP] = sizeof(struct event_alloc),
	[EVENT_MUNMAP] = sizeof(struct event_range),	[EVENT_MREMAP] = sizeof(struct event_range),
	[EVENT_STRANGER] = sizeof(struct event_fork),
};
#define RECORD_TYPES (sizeof(record_sizes) / sizeof(record_sizes[0]))

static const uint8_t call_flags[CALL_ID_COUNT] = {
#define X(id, name, kind, flags) [CALL_ID_##id] = flags,
	CALLS(X)
#undef X
};

static bool range_is_sane(uint64_t address, uint64_t bytes)
{
	return address && address < BYTES_MAX && address % RANGE_PAGE == 0 && bytes &&
	       bytes < BYTES_MAX;
}

static bool alloc_is_sane(const struct event_header *h)
{
	const struct event_alloc *e = (const void *)h;

	return e->address && e->bytes < BYTES_MAX && !(call_flags[h->call] & CALL_RANGE);
}

static bool realloc_is_sane(const struct event_header *h)
{
	const struct event_realloc *e = (const void *)h;

	return (e->address || e->old_address) && e->bytes < BYTES_MAX &&
	       !(call_flags[h->call] & CALL_RANGE);
}

static bool stack_is_sane(const struct event_header *h)
{
	const struct event_stack *e = (const void *)h;

	return e->id && e->frame_count <= STACK_MAX_FRAMES &&
	       h->size >= sizeof(*e) + e->frame_count * sizeof(e->pcs[0]);
}

static bool mmap_is_sane(const struct event_header *h)
{
	const struct event_alloc *e = (const void *)h;

	return range_is_sane(e->address, e->bytes) && call_flags[h->call] & CALL_RANGE;
}

static bool range_event_is_sane(const struct event_header *h)
{
	const struct event_range *e = (const void *)h;

	if (!(call_flags[h->call] & CALL_RANGE))
		return false;
	if (h->type == EVENT_MUNMAP)
		return range_is_sane(e->old_address, e->old_bytes);
	/* mremap of length 0 makes a second mapping of the same pages. */
	return range_is_sane(e->address, e->bytes) &&
	       range_is_sane(e->old_address, e->old_bytes ? e->old_bytes : 1);
}

static bool is_sane(const struct event_header *h)
{
	if (h->size < sizeof(*h) || !h->type || h->type >= RECORD_TYPES ||
	    h->size < record_sizes[h->type] || h->call >= CALL_ID_COUNT)
		return false;
	switch (h->type) {
	case EVENT_ALLOC:
	case EVENT_RESIZE: return alloc_is_sane(h);
	case EVENT_FREE: return ((const struct event_free *)(const void *)h)->address != 0;
	case EVENT_REALLOC: return realloc_is_sane(h);
	case EVENT_STACK: return stack_is_sane(h);
	case EVENT_MMAP: return mmap_is_sane(h);
	case EVENT_MUNMAP:
	case EVENT_MREMAP: return range_event_is_sane(h);
	default: return true;
	}
}

static inline uint32_t last_slot(uint32_t tid)
{
	return (tid * 2654435761u) >> 26;
}

/* Figures of a release; the block itself is left to the caller. */
static void charge_free(struct heap *h, struct heap_process *p, const struct block *block,
			uint64_t time_ns)
{
	struct weight w = weight_of(h, block->address, block->bytes, block->born_ns);
	uint32_t slot = last_slot(block->tid);

	if (p->last[slot].address == block->address && p->last[slot].tid == block->tid) {
		p->last[slot].address = 0;
		site_at(h, block->site)->totals.temporary_count += w.count;
		p->totals.temporary_count += w.count;
	}
	sites_free(h, p, block->site, w, block->born_ns, time_ns);
}

/* A block is handed out. Its stack and call say where. */
static void add_block(struct heap *h, struct heap_process *p, uint32_t process,
		      const struct event_header *e, uint64_t address, uint64_t bytes,
		      uint64_t stack)
{
	uint32_t site = sites_get(h, process, stack, e->call);
	struct block block = {.address = address,
			      .bytes = bytes,
			      .born_ns = e->time_ns,
			      .site = site,
			      .tid = e->tid};
	struct block *there = blocks_find(&p->blocks, address);
	uint32_t slot = last_slot(e->tid);

	if (there) {
		if (!is_carried(h, there->born_ns))
			reuses_note(p, address, 1, false, e->time_ns);
		charge_free(h, p, there, e->time_ns);
	}
	if (!site || (!there && !blocks_insert(&p->blocks, &block))) {
		p->counts[COUNTER_NO_MEMORY]++;
		if (there)
			blocks_remove(&p->blocks, there);
		return;
	}
	if (there)
		*there = block;
	p->last[slot].tid = e->tid;
	p->last[slot].address = address;
	p->event_count++;
	sites_alloc(h, p, site, weight_of(h, address, bytes, e->time_ns), e->time_ns);
}

/* A release that took effect at `at_ns` of the block that was there then. */
static void release_block(struct heap *h, struct heap_process *p, uint64_t address, uint64_t at_ns,
			  uint64_t time_ns)
{
	struct block *block = blocks_find(&p->blocks, address);

	if (block && block->born_ns <= at_ns) {
		charge_free(h, p, block, time_ns);
		blocks_remove(&p->blocks, block);
		p->event_count++;
		return;
	}
	/* its block is closed already, but only now its free is recorded */
	if (reuses_explain(p, address, 1, false, at_ns)) {
		p->event_count++;
	} else {
		p->counts[COUNTER_UNKNOWN_FREE]++;
		repeats_note(h, p, address);
	}
}

static void apply_realloc(struct heap *h, struct heap_process *p, uint32_t process,
			  const struct event_realloc *e)
{
	if (e->old_address)
		release_block(h, p, e->old_address, e->entry_ns, e->h.time_ns);
	if (e->address)
		add_block(h, p, process, &e->h, e->address, e->bytes, e->stack);
}

static void apply_resize(struct heap *h, struct heap_process *p, const struct event_alloc *e)
{
	struct block *block = blocks_find(&p->blocks, e->address);

	if (!block || block->born_ns > e->h.time_ns)
		return;
	sites_free(h, p, block->site, weight_of(h, block->address, block->bytes, block->born_ns),
		   block->born_ns, e->h.time_ns);
	block->bytes = e->bytes;
	sites_alloc_at(h, p, block->site,
		       weight_of(h, block->address, block->bytes, block->born_ns), block->born_ns,
		       e->h.time_ns);
}

static void apply_to_process(struct heap *h, struct heap_process *p, uint32_t process,
			     const struct event_header *e)
{
	const void *record = e;

	switch (e->type) {
	case EVENT_ALLOC: {
		const struct event_alloc *a = record;

		add_block(h, p, process, e, a->address, a->bytes, a->stack);
		break;
	}
	case EVENT_FREE: {
		const struct event_free *f = record;

		release_block(h, p, f->address, e->time_ns, e->time_ns);
		break;
	}
	case EVENT_REALLOC: apply_realloc(h, p, process, record); break;
	case EVENT_RESIZE: apply_resize(h, p, record); break;
	case EVENT_STACK: stacks_add(h, process, record); break;
	case EVENT_FORK: lineage_fork(h, process, record); break;
	case EVENT_EXEC: lineage_exec(h, process, record); break;
	case EVENT_EXIT: lineage_exit(p, record); break;
	case EVENT_MMAP: mappings_mmap(h, p, process, record); break;
	case EVENT_MUNMAP: mappings_munmap(h, p, record); break;
	case EVENT_MREMAP: mappings_mremap(h, p, process, record); break;
	}
}

void heap_apply(struct heap *h, const struct event_header *event)
{
	struct heap_process *p;
	uint32_t process;

	if (!is_sane(event)) {
		h->counts[COUNTER_BAD_RECORD]++;
		return;
	}
	p = heap_process_of(h, event->process, &process);
	if (!p) {
		h->counts[COUNTER_NO_PROCESS]++;
		return;
	}
	h->version++;
	heap_advance(h, event->time_ns);
	apply_to_process(h, p, process, event);
}
