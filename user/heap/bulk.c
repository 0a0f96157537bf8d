/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of a site of which only the sums are known: what a runtime counts of itself, read from time to time. There are no blocks, so no ages and
 * no lifetimes are known either.
 *
 * What grows and what stays is judged by generations all the same. Births and deaths between two readings cancel, and of what was
 * there before it is taken that the youngest go first, as they mostly do: so elders are the most that they can be.
 *
 * Invariant: of a site in bulk, `alive` is outstanding, beside blocks that it may have; all of them are in its generations.
 */
#include "charge.h"

struct bulk *bulk_of(struct heap *h, struct site *s)
{
	if (!s->bulk)
		s->bulk = pool_add(&h->bulks);
	return s->bulk ? bulk_at(h, s->bulk) : NULL;
}

static void change(struct totals *t, const struct event_bulk *e)
{
	t->alloc_bytes += e->alloc_bytes;
	t->alloc_count += e->alloc_count;
	t->free_bytes += e->free_bytes;
	t->free_count += e->free_count;
	t->outstanding_bytes += e->alloc_bytes - e->free_bytes;
	t->outstanding_count += e->alloc_count - e->free_count;
	if (t->outstanding_bytes > t->peak_bytes)
		t->peak_bytes = t->outstanding_bytes;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* No more is freed than is there, and with the last block the last byte. */
static struct event_bulk bounded(const struct event_bulk *e, const struct carried *alive)
{
	struct event_bulk b = *e;

	b.free_count = smaller(b.free_count, alive->count + b.alloc_count);
	b.free_bytes = smaller(b.free_bytes, alive->bytes + b.alloc_bytes);
	if (b.free_count == alive->count + b.alloc_count)
		b.free_bytes = alive->bytes + b.alloc_bytes;
	return b;
}

static void change_generations(struct heap *h, struct heap_process *p, struct site *s,
			       const struct event_bulk *e)
{
	uint64_t now_ns = e->h.time_ns, elder_ns = now_ns > h->elder_ns ? now_ns - h->elder_ns : 0;
	struct generations *g = &s->generations;

	if (e->free_count > e->alloc_count)
		s->elder_frees += (uint32_t)generations_gone_youngest(
			g, e->free_count - e->alloc_count, generation_at(h, elder_ns));
	else if (!generations_born_many(g, generation_at(h, now_ns),
					e->alloc_count - e->free_count))
		p->counts[COUNTER_NO_MEMORY]++;
}

static void note_before(struct heap_process *p, struct bulk *b, const struct event_bulk *e)
{
	if (!(e->h.flags & EVENT_F_BEFORE))
		return;
	b->before.bytes += e->alloc_bytes;
	b->before.count += e->alloc_count;
	p->before.bytes += e->alloc_bytes;
	p->before.count += e->alloc_count;
}

void bulk_apply(struct heap *h, struct heap_process *p, const struct event_bulk *event)
{
	uint32_t site = sites_get(h, p->index, event->stack, event->h.call);
	struct site *s = site ? site_at(h, site) : NULL;
	struct bulk *b = s ? bulk_of(h, s) : NULL;
	struct event_bulk e;

	if (!b) {
		p->counts[COUNTER_NO_MEMORY]++;
		return;
	}
	e = bounded(event, &b->alive);
	touch(h, s, e.h.time_ns);
	if (e.free_bytes > e.alloc_bytes)
		end_peak(p, s, e.h.time_ns);
	else
		note_peak(p, s);
	change(&s->totals, &e);
	change(totals_of(p, s), &e);
	p->has_bulk = true;
	b->alive.bytes += e.alloc_bytes - e.free_bytes;
	b->alive.count += e.alloc_count - e.free_count;
	change_generations(h, p, s, &e);
	note_before(p, b, &e);
	if (e.alloc_count)
		lifetimes_begin(h, site, e.alloc_bytes / e.alloc_count, e.alloc_count);
}
