/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call sites and their running totals, and with them those of the processes: every change of a
 * figure goes through this file. Input is what apply.c, mappings.c and lineage.c found out about an
 * event.
 *
 * A site is found by the stack id of the event itself; its heap_stack is looked up once, when the
 * site is made.
 *
 * Invariant: at each site and each process, alloc - free = outstanding, in bytes and in count; the
 * totals of a process are the sums over its sites of that class; generations hold outstanding_count
 * blocks.
 */
#include "tables.h"
#include <stdlib.h>
#include <string.h>

static const uint8_t call_flags[CALL_ID_COUNT] = {
#define X(id, name, kind, flags) [CALL_ID_##id] = flags,
	CALLS(X)
#undef X
};

struct site_key {
	const struct heap *heap;
	uint64_t stack_id;
	uint32_t process;
	uint8_t call;
};

static inline uint32_t key_hash(const struct heap *h, uint32_t process, uint64_t stack_id,
				uint8_t call)
{
	return index_hash(h->seed, stack_id, (uint64_t)process << 8 | call);
}

static inline bool key_matches(const void *context, uint32_t ref)
{
	const struct site_key *key = context;
	const struct site *s = site_at(key->heap, ref);

	return s->stack_id == key->stack_id && s->process == key->process && s->call == key->call;
}

static uint32_t make_site(struct heap *h, const struct site_key *key, uint32_t hash)
{
	uint32_t stack = key->stack_id ? stacks_get(h, key->process, key->stack_id) : 0;
	struct heap_process *p = h->processes[key->process];
	uint32_t index;
	struct site *s;

	if (key->stack_id && !stack)
		return 0;
	index = pool_add(&h->sites);
	if (!index)
		return 0;
	if (index_insert(&h->site_index, hash, index)) {
		pool_undo(&h->sites);
		return 0;
	}
	s = site_at(h, index);
	s->process = key->process;
	s->stack = stack;
	s->stack_id = key->stack_id;
	s->call = key->call;
	s->range = call_flags[key->call] & CALL_RANGE;
	s->next = p->first_site;
	p->first_site = index;
	p->site_count++;
	return index;
}

uint32_t sites_get(struct heap *h, uint32_t process, uint64_t stack_id, uint8_t call)
{
	struct site_key key = {
		.heap = h,
		.stack_id = stack_id,
		.process = process,
		.call = call,
	};
	uint32_t hash = key_hash(h, process, stack_id, call);
	uint32_t index = index_find(&h->site_index, hash, key_matches, &key);

	return index ? index : make_site(h, &key, hash);
}

void sites_prefetch(const struct heap *h, uint32_t process, uint64_t stack_id, uint8_t call)
{
	index_prefetch(&h->site_index, key_hash(h, process, stack_id, call));
}

const struct site *sites_peek(const struct heap *h, uint32_t process, uint64_t stack_id,
			      uint8_t call)
{
	uint32_t ref = index_peek(&h->site_index, key_hash(h, process, stack_id, call));

	return ref ? site_at(h, ref) : NULL;
}

static inline void totals_alloc(struct totals *t, uint64_t bytes, uint64_t count)
{
	t->outstanding_bytes += bytes;
	t->outstanding_count += count;
	t->alloc_bytes += bytes;
	t->alloc_count += count;
	if (t->outstanding_bytes > t->peak_bytes)
		t->peak_bytes = t->outstanding_bytes;
}

static inline void totals_free(struct totals *t, uint64_t bytes, uint64_t count)
{
	t->outstanding_bytes -= bytes;
	t->outstanding_count -= count;
	t->free_bytes += bytes;
	t->free_count += count;
}

static inline void touch(struct heap *h, struct site *s, uint64_t time_ns)
{
	s->inherited = false;
	if (!s->version)
		s->first_ns = time_ns;
	if (time_ns > s->last_ns)
		s->last_ns = time_ns;
	s->version = h->version;
}

static inline uint32_t generation_of(const struct heap *h, uint64_t time_ns)
{
	return time_ns >= h->generation_start && time_ns < h->generation_end
		       ? h->generation
		       : heap_generation(h, time_ns);
}

void sites_alloc_at(struct heap *h, struct heap_process *p, uint32_t site, struct weight w,
		    uint64_t born_ns, uint64_t time_ns)
{
	struct site *s = site_at(h, site);

	touch(h, s, time_ns);
	totals_alloc(&s->totals, w.bytes, w.count);
	totals_alloc(totals_of(p, s), w.bytes, w.count);
	if (is_carried(h, born_ns))
		windows_add(h, s, w, born_ns);
	if (!generations_born(&s->generations, generation_of(h, born_ns)))
		p->counts[COUNTER_NO_MEMORY]++;
}

void sites_alloc(struct heap *h, struct heap_process *p, uint32_t site, struct weight w,
		 uint64_t time_ns)
{
	sites_alloc_at(h, p, site, w, time_ns, time_ns);
}

void sites_free(struct heap *h, struct heap_process *p, uint32_t site, struct weight w,
		uint64_t born_ns, uint64_t time_ns)
{
	struct site *s = site_at(h, site);

	touch(h, s, time_ns);
	totals_free(&s->totals, w.bytes, w.count);
	totals_free(totals_of(p, s), w.bytes, w.count);
	if (is_carried(h, born_ns))
		windows_take(h, s, w, born_ns);
	if (w.count)
		generations_gone(&s->generations, generation_of(h, born_ns));
}

/*
 * A child that execs: what it inherited and never touched was never its own, so that it does not
 * count as allocated and freed either. The site stays, with zeros.
 */
static void sites_disinherit(struct heap *h, struct heap_process *p, struct site *s,
			     uint64_t time_ns)
{
	struct totals *t = &s->totals, *of = totals_of(p, s);

	touch(h, s, time_ns);
	of->outstanding_bytes -= t->outstanding_bytes;
	of->outstanding_count -= t->outstanding_count;
	of->alloc_bytes -= t->alloc_bytes;
	of->alloc_count -= t->alloc_count;
	*t = (struct totals){0};
	s->previous = s->older = (struct carried){0};
	generations_clear(&s->generations);
}

void sites_free_all(struct heap *h, struct heap_process *p, struct site *s, uint64_t time_ns)
{
	struct totals *t = &s->totals;

	if (s->inherited) {
		sites_disinherit(h, p, s, time_ns);
		return;
	}
	if (!t->outstanding_count)
		return;
	touch(h, s, time_ns);
	totals_free(totals_of(p, s), t->outstanding_bytes, t->outstanding_count);
	totals_free(t, t->outstanding_bytes, t->outstanding_count);
	s->previous = s->older = (struct carried){0};
	generations_clear(&s->generations);
}

bool sites_inherit(struct heap *h, struct heap_process *p, struct site *to, const struct site *from,
		   uint64_t time_ns)
{
	const struct totals *t = &from->totals;
	bool ok;

	generations_done(&to->generations);
	ok = generations_copy(&to->generations, &from->generations);
	touch(h, to, time_ns);
	totals_alloc(totals_of(p, to), t->outstanding_bytes, t->outstanding_count);
	totals_alloc(&to->totals, t->outstanding_bytes, t->outstanding_count);
	to->previous = from->previous;
	to->older = from->older;
	to->inherited = true;
	return ok;
}
