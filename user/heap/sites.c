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
#include "charge.h"
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

static inline bool key_matches(const void *context, uint32_t ref)
{
	const struct site_key *key = context;
	const struct site *s = site_at(key->heap, ref);

	return s->stack_id == key->stack_id && s->process == key->process && s->call == key->call;
}

static uint32_t add_site(struct heap *h)
{
	uint32_t index = pool_add(&h->sites);

	if (index && !pool_add(&h->lifetimes)) {
		pool_undo(&h->sites);
		return 0;
	}
	if (!index || !keeps_errors(h) || pool_add(&h->errors))
		return index;
	pool_undo(&h->sites);
	pool_undo(&h->lifetimes);
	return 0;
}

bool sites_draw(struct heap *h)
{
	while (!keeps_errors(h) && h->errors.count < h->sites.count) {
		if (!pool_add(&h->errors))
			return false;
	}
	h->drawn = true;
	return true;
}

static uint32_t make_site(struct heap *h, const struct site_key *key, uint32_t hash)
{
	uint32_t stack = key->stack_id ? stacks_get(h, key->process, key->stack_id) : 0;
	struct heap_process *p = h->processes[key->process];
	uint32_t index;
	struct site *s;

	if (key->stack_id && !stack)
		return 0;
	index = add_site(h);
	if (!index)
		return 0;
	if (index_insert(&h->site_index, hash, index)) {
		pool_undo(&h->sites);
		pool_undo(&h->lifetimes);
		if (keeps_errors(h))
			pool_undo(&h->errors);
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

uint32_t sites_search(struct heap *h, uint32_t process, uint64_t stack_id, uint8_t call,
		      uint32_t hash)
{
	struct site_key key = {
		.heap = h,
		.stack_id = stack_id,
		.process = process,
		.call = call,
	};
	uint32_t index = index_find(&h->site_index, hash, key_matches, &key);

	return index ? index : make_site(h, &key, hash);
}

uint32_t sites_get(struct heap *h, uint32_t process, uint64_t stack_id, uint8_t call)
{
	return sites_search(h, process, stack_id, call, sites_hash(h, process, stack_id, call));
}

static void forget_bulk(struct heap *h, const struct site *s)
{
	if (s->bulk)
		bulk_at(h, s->bulk)->alive = (struct carried){0};
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
	end_peak(p, s, time_ns);
	of->outstanding_bytes -= t->outstanding_bytes;
	of->outstanding_count -= t->outstanding_count;
	of->alloc_bytes -= t->alloc_bytes;
	of->alloc_count -= t->alloc_count;
	*t = (struct totals){0};
	s->previous = s->older = (struct carried){0};
	generations_clear(&s->generations);
	forget_bulk(h, s);
}

void sites_free_all(struct heap *h, struct heap_process *p, uint32_t site, uint64_t time_ns)
{
	struct site *s = site_at(h, site);
	struct totals *t = &s->totals;

	if (s->inherited) {
		sites_disinherit(h, p, s, time_ns);
		if (has_errors(h, site))
			errors_disinherit(errors_at(h, site), &p->errors);
		return;
	}
	if (!t->outstanding_count)
		return;
	if (has_errors(h, site))
		errors_charge_free_all(errors_at(h, site), &p->errors);
	touch(h, s, time_ns);
	end_peak(p, s, time_ns);
	totals_free(totals_of(p, s), t->outstanding_bytes, t->outstanding_count);
	totals_free(t, t->outstanding_bytes, t->outstanding_count);
	s->previous = s->older = (struct carried){0};
	generations_clear(&s->generations);
	forget_bulk(h, s);
}

bool sites_inherit(struct heap *h, struct heap_process *p, uint32_t to, uint32_t from,
		   uint64_t time_ns)
{
	struct site *s = site_at(h, to);
	const struct totals *t = &site_at(h, from)->totals;
	struct bulk *b;
	bool ok;

	generations_done(&s->generations);
	ok = generations_copy(&s->generations, &site_at(h, from)->generations);
	touch(h, s, time_ns);
	note_peak(p, s);
	totals_alloc(totals_of(p, s), t->outstanding_bytes, t->outstanding_count);
	totals_alloc(&s->totals, t->outstanding_bytes, t->outstanding_count);
	s->previous = site_at(h, from)->previous;
	s->older = site_at(h, from)->older;
	if (has_errors(h, to))
		errors_inherit(errors_at(h, to), &p->errors, errors_at(h, from));
	s->inherited = true;
	if (!site_at(h, from)->bulk)
		return ok;
	b = bulk_of(h, s);
	if (b)
		b->alive = bulk_at(h, site_at(h, from)->bulk)->alive;
	return ok && b;
}
