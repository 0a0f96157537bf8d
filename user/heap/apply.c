/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One event -> tables: the only writer of the heap. Input comes from capture/ in nearly the order
 * of time. Records are checked (records.c) and looked at ahead (batch.c). Here are the rules for blocks; ranges
 * are in mappings.c, processes in lineage.c.
 *
 *   alloc     a block at a live address: the old one is closed as freed at its site (no event: it was
 *             not seen), and noted as reused until a release explains it.
 *   free      releases a block that was born at or before the event; a younger one is another block,
 *             and the late event explains its reuse.
 *   realloc   the same with the time of the call's entry, then an allocation at the call's own site.
 *   resize    old bytes are freed and new bytes allocated at the block's own site, one block each, so
 *             that alloc - free = outstanding; birth and event count stay.
 *   bulk      figures of a site change, no block (bulk.c).
 *
 * Invariant: event_count is the number of recorded allocations plus that of recorded frees whose
 * block was known.
 */
#include "charge.h"

static inline uint32_t last_slot(uint32_t tid)
{
	return (tid * 2654435761u) >> 26;
}

/* Figures of a release; the block itself is left to the caller. */
static void charge_free(struct heap *h, struct heap_process *p, const struct block *block,
			uint64_t time_ns)
{
	struct weight w = weight_of(h, p, block);
	uint32_t slot = last_slot(block->tid);

	if (p->last[slot].address == block->address && p->last[slot].tid == block->tid) {
		p->last[slot].address = 0;
		site_at(h, block->site)->totals.temporary_count += w.count;
		p->totals.temporary_count += w.count;
	}
	lifetimes_end(h, block->site, block->born_ns, time_ns, w.count);
	sites_free(h, p, block->site, w, block->born_ns, time_ns);
	errors_free(h, p, block);
	if (h->sample_bytes || p->weights.count)
		weight_forget(p, block);
}

/* A block is handed out. `hash` is of its address. */
static void add_block(struct heap *h, struct heap_process *p, const struct event_header *e,
		      uint64_t address, uint64_t bytes, uint32_t site, uint64_t hash)
{
	struct block block = {.address = address,
			      .bytes = bytes,
			      .born_ns = e->time_ns,
			      .site = site,
			      .tid = e->tid};
	struct blocks_place place;
	struct block *there = blocks_find_by(&p->blocks, hash, address, &place);
	uint32_t slot = last_slot(e->tid);
	struct weight w;

	if (there) {
		if (!is_carried(h, there->born_ns))
			reuses_note(p, address, 1, false, e->time_ns);
		charge_free(h, p, there, e->time_ns);
	}
	if (!site || (!there && !blocks_insert_by(&p->blocks, hash, &block))) {
		p->counts[COUNTER_NO_MEMORY]++;
		if (there)
			blocks_remove_by(&p->blocks, hash, place);
		return;
	}
	if (there)
		*there = block;
	p->last[slot].tid = e->tid;
	p->last[slot].address = address;
	p->event_count++;
	w = weight_of(h, p, &block);
	lifetimes_begin(h, site, bytes, w.count);
	sites_alloc(h, p, site, w, e->time_ns);
	errors_alloc(h, p, &block);
}

/* A release that took effect at `at_ns` of the block that was there then. Returns the site of it; 0: it is not known. */
static uint32_t release_block(struct heap *h, struct heap_process *p, uint64_t address,
			      uint64_t hash, uint64_t at_ns, uint64_t time_ns)
{
	struct blocks_place place;
	struct block *block = blocks_find_by(&p->blocks, hash, address, &place);
	uint32_t site;

	if (block && block->born_ns <= at_ns) {
		site = block->site;
		charge_free(h, p, block, time_ns);
		blocks_remove_by(&p->blocks, hash, place);
		p->event_count++;
		return site;
	}
	/* its block is closed already, but only now its free is recorded */
	if (reuses_explain(p, address, 1, false, at_ns)) {
		p->event_count++;
	} else {
		p->counts[COUNTER_UNKNOWN_FREE]++;
		repeats_note(h, p, address);
	}
	return 0;
}

static void apply_alloc(struct heap *h, struct heap_process *p, const struct event_alloc *e,
			const struct ahead *a)
{
	uint32_t site = sites_get_by(h, p, e->stack, e->h.call, a->site_hash, a->site);

	add_block(h, p, &e->h, e->address, e->bytes, site, a->block.hash);
}

/*
 * An object of a collected heap: what lay at its address before is gone, which needs no event. Its weight is known before it is in any
 * figure.
 */
static void apply_sample(struct heap *h, struct heap_process *p, const struct event_sample *e)
{
	uint64_t hash = hash_of(&p->blocks, e->address);
	struct block block = {.address = e->address, .born_ns = e->h.time_ns}, *there;
	uint32_t site = sites_get(h, p->index, e->stack, e->h.call);
	struct blocks_place place;

	there = blocks_find_by(&p->blocks, hash, e->address, &place);
	if (there) {
		charge_free(h, p, there, e->h.time_ns);
		blocks_remove_by(&p->blocks, hash, place);
		p->event_count++;
	}
	if (!site || !sites_draw(h) || !weight_set(p, &block, e->count))
		p->counts[COUNTER_NO_MEMORY]++;
	else
		add_block(h, p, &e->h, e->address, e->bytes, site, hash);
}

static void apply_realloc(struct heap *h, struct heap_process *p, const struct event_realloc *e,
			  const struct ahead *a)
{
	uint32_t site, before = 0;

	if (e->old_address)
		before = release_block(h, p, e->old_address, a->block.hash, e->entry_ns,
				       e->h.time_ns);
	if (!e->address)
		return;
	site = sites_get_by(h, p, e->stack, e->h.call, a->site_hash, a->site);
	if (before && before == site)
		site_at(h, site)->resizes++;
	add_block(h, p, &e->h, e->address, e->bytes, site, hash_of(&p->blocks, e->address));
}

static void apply_resize(struct heap *h, struct heap_process *p, const struct event_alloc *e)
{
	struct block *block = blocks_find(&p->blocks, e->address);

	if (!block || block->born_ns > e->h.time_ns)
		return;
	sites_free(h, p, block->site, weight_of(h, p, block), block->born_ns, e->h.time_ns);
	errors_free(h, p, block);
	if (h->sample_bytes && !weight_resize(p, block))
		p->counts[COUNTER_NO_MEMORY]++;
	block->bytes = e->bytes;
	site_at(h, block->site)->resizes++;
	sites_alloc_at(h, p, block->site, weight_of(h, p, block), block->born_ns, e->h.time_ns);
	errors_alloc(h, p, block);
}

/*
 * What the usual events of one process in a row change in figures that are the same for all of them: kept apart, and brought
 * there before anything else is done. The peak is found with each event, as ever.
 */
struct tally {
	struct heap_process *process;
	uint64_t version, now_ns;		/* of the heap */
	uint64_t outstanding_bytes, peak_bytes; /* of the process, as is the number of its peak */
	uint64_t alloc_bytes, alloc_count, free_count; /* since tally_begin() */
	uint32_t peak;
	bool usual; /* its events can take the usual way */
};

static inline void tally_begin(const struct heap *h, struct tally *t, struct heap_process *p)
{
	t->process = p;
	t->usual = p && h->started && !h->sample_bytes && !p->weights.count;
	if (!t->usual)
		return;
	t->version = h->version;
	t->now_ns = h->now_ns;
	t->outstanding_bytes = p->totals.outstanding_bytes;
	t->peak_bytes = p->totals.peak_bytes;
	t->peak = p->peaks[0].number;
	t->alloc_bytes = t->alloc_count = t->free_count = 0;
}

static inline void tally_end(struct heap *h, struct tally *t)
{
	struct heap_process *p = t->process;
	struct totals *totals;

	if (!t->usual)
		return;
	totals = &p->totals;
	totals->alloc_bytes += t->alloc_bytes;
	totals->free_bytes += t->alloc_bytes + totals->outstanding_bytes - t->outstanding_bytes;
	totals->outstanding_bytes = t->outstanding_bytes;
	totals->peak_bytes = t->peak_bytes;
	totals->alloc_count += t->alloc_count;
	totals->free_count += t->free_count;
	totals->outstanding_count += t->alloc_count - t->free_count;
	p->blocks.count += t->alloc_count - t->free_count;
	p->event_count += t->alloc_count + t->free_count;
	p->peaks[0].number = t->peak;
	h->version = t->version;
	h->now_ns = t->now_ns;
	t->usual = false;
}

/* note_peak() of the heap class. */
static inline void tally_peak(const struct tally *t, struct site *s)
{
	if (s->peak == t->peak)
		return;
	s->peak = t->peak;
	s->peak_bytes = s->totals.outstanding_bytes;
}

static inline void tally_touch(struct tally *t, struct site *s, uint64_t time_ns)
{
	t->now_ns = time_ns > t->now_ns ? time_ns : t->now_ns;
	touch_at(s, ++t->version, time_ns);
}

/*
 * The two that nearly all events are, in their usual case: not sampled, the block is where it was seen ahead. They do what
 * release_block() and add_block() do, and blocks are never of the mmap class. False: nothing is done.
 */
static inline __attribute__((always_inline)) bool
free_usual(struct heap *h, struct tally *t, const struct event_free *e, const struct ahead *a)
{
	struct heap_process *p = t->process;
	const struct blocks_ahead *x = &a->block;
	const struct block *block = blocks_seen_ahead(x, e->address);
	uint64_t bytes, born_ns, time_ns = e->h.time_ns;
	struct blocks_ahead again;
	uint32_t slot, tid, site;
	struct site *s;

	if (!block) {
		again = *x;
		x = &again;
		block = blocks_look_again(&again, e->address);
	}
	if (!block)
		return false;
	bytes = block->bytes;
	born_ns = block->born_ns;
	site = block->site;
	tid = block->tid;
	if (born_ns > time_ns || !blocks_drop_ahead(x))
		return false;
	s = site_at(h, site);
	tally_touch(t, s, time_ns);
	slot = last_slot(tid);
	if (p->last[slot].address == e->address && p->last[slot].tid == tid) {
		p->last[slot].address = 0;
		s->totals.temporary_count++;
		p->totals.temporary_count++;
	}
	note_age(h, s, time_ns - born_ns);
	count_age(h, s, site, lifetimes_age_bucket(time_ns - born_ns), 1);
	if (t->outstanding_bytes == t->peak_bytes) {
		t->peak++;
		p->peaks[0].time_ns = time_ns;
	}
	tally_peak(t, s);
	totals_free(&s->totals, bytes, 1);
	t->outstanding_bytes -= bytes;
	t->free_count++;
	if (is_carried(h, born_ns))
		windows_take(h, s, (struct weight){.bytes = bytes, .count = 1}, born_ns);
	generations_gone(&s->generations, generation_at(h, born_ns));
	return true;
}

static inline __attribute__((always_inline)) bool
alloc_usual(struct heap *h, struct tally *t, const struct event_alloc *e, const struct ahead *a)
{
	struct heap_process *p = t->process;
	uint64_t time_ns = e->h.time_ns;
	uint32_t slot = last_slot(e->h.tid), site;
	struct block *block;
	struct site *s;

	site = sites_get_by(h, p, e->stack, e->h.call, a->site_hash, a->site);
	if (!site)
		return false;
	s = site_at(h, site);
	block = blocks_put_ahead(&a->block, e->address);
	if (!block)
		return false;
	*block = (struct block){.address = e->address,
				.bytes = e->bytes,
				.born_ns = time_ns,
				.site = site,
				.tid = e->h.tid};
	tally_touch(t, s, time_ns);
	p->last[slot].tid = e->h.tid;
	p->last[slot].address = e->address;
	count_size(h, s, site, histogram_bucket(e->bytes), 1);
	tally_peak(t, s);
	totals_alloc(&s->totals, e->bytes, 1);
	t->outstanding_bytes += e->bytes;
	t->peak_bytes = t->outstanding_bytes > t->peak_bytes ? t->outstanding_bytes : t->peak_bytes;
	t->alloc_bytes += e->bytes;
	t->alloc_count++;
	if (is_carried(h, time_ns))
		windows_add(h, s, (struct weight){.bytes = e->bytes, .count = 1}, time_ns);
	if (!generations_born(&s->generations, generation_now(h, time_ns)))
		p->counts[COUNTER_NO_MEMORY]++;
	return true;
}

/* All but the two most frequent ones. */
static void apply_rare(struct heap *h, struct heap_process *p, const struct event_header *e)
{
	const void *record = e;

	switch (e->type) {
	case EVENT_RESIZE: apply_resize(h, p, record); break;
	case EVENT_SAMPLE: apply_sample(h, p, record); break;
	case EVENT_STACK: stacks_add(h, p->index, record); break;
	case EVENT_FORK: lineage_fork(h, p->index, record); break;
	case EVENT_EXEC: lineage_exec(h, p->index, record); break;
	case EVENT_EXIT: lineage_exit(p, record); break;
	case EVENT_BULK: bulk_apply(h, p, record); break;
	case EVENT_MMAP: mappings_mmap(h, p, p->index, record); break;
	case EVENT_MUNMAP: mappings_munmap(h, p, record); break;
	case EVENT_MREMAP: mappings_mremap(h, p, p->index, record); break;
	}
}

/* Without what is known ahead of the block. */
static __attribute__((noinline)) bool apply_any(struct heap *h, const struct event_header *e,
						const struct ahead *a)
{
	struct heap_process *p = a->process;
	uint64_t changes = p->blocks.changes;
	const struct event_free *f = (const void *)e;

	switch (e->type) {
	case EVENT_ALLOC: apply_alloc(h, p, (const void *)e, a); break;
	case EVENT_FREE:
		release_block(h, p, f->address, a->block.hash, e->time_ns, e->time_ns);
		break;
	case EVENT_REALLOC: apply_realloc(h, p, (const void *)e, a); break;
	default: apply_rare(h, p, e); break;
	}
	/* the tables of other processes change at these only */
	return p->blocks.changes != changes || e->type == EVENT_FORK || e->type == EVENT_EXEC;
}

void apply_event(struct heap *h, const struct event_header *e, const struct ahead *a)
{
	h->version++;
	heap_advance(h, e->time_ns);
	apply_any(h, e, a);
}

/* False: nothing is done. */
static inline __attribute__((always_inline)) bool
apply_usual(struct heap *h, struct tally *t, const struct event_header *e, const struct ahead *a)
{
	const void *record = e;

	return a->alloc ? alloc_usual(h, t, record, a)
			: e->type == EVENT_FREE && free_usual(h, t, record, a);
}

/* True: what is known ahead may be wrong from here on. */
static bool apply_unusual(struct heap *h, const struct event_header *e, const struct ahead *a)
{
	if (!a->process) {
		heap_apply(h, e); /* a fork may have added it meanwhile */
		return true;
	}
	h->version++;
	heap_advance(h, e->time_ns);
	return apply_any(h, e, a);
}

uint32_t apply_events(struct heap *h, const struct event_header *const *events,
		      const struct ahead *a, uint32_t count, bool *moved)
{
	const struct ahead *const begin = a, *const end = a + count;
	struct tally t = {0};

	for (; a < end; a++, events++) {
		if (__builtin_expect(a->process != t.process || !t.usual, 0)) {
			tally_end(h, &t);
			tally_begin(h, &t, a->process);
		}
		if (__builtin_expect(t.usual && apply_usual(h, &t, *events, a), 1))
			continue;
		tally_end(h, &t);
		if (apply_unusual(h, *events, a)) {
			*moved = true;
			return (uint32_t)(a + 1 - begin);
		}
	}
	tally_end(h, &t);
	return count;
}
