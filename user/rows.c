// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The id of a row is made of its stack's modules, which takes a search for each frame: so ids are kept by
 * heap site, from when they are settled, and an interval costs only what is new. As long as all sites have
 * rows of their own and nothing is new there is nothing to join either.
 */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "analyse/build.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "consumer.h"

/* Modules of a process are read again at most this often when an address lies in none of them. */
#define MAPS_AGAIN_NS NS_PER_S

static void read_maps_again(struct rows *r, struct tracked *t, uint32_t space,
			    const struct heap_stack *stack)
{
	size_t i;

	if (t->ended || clock_monotonic_ns() - t->maps_read_ns < MAPS_AGAIN_NS)
		return;
	for (i = 0; i < stack->frame_count && i < 8; i++) {
		if (names_knows(r->tracker->names, space, stack->pcs[i]))
			continue;
		tracker_read_modules(r->tracker, t);
		return;
	}
}

/* A copy of the stack's entry (frames never move) and the name space in which its addresses mean
 * something. */
struct site_stack {
	struct heap_stack stack;
	uint32_t space;
};

static struct site_stack find_stack(struct rows *r, const struct snapshot_site *site)
{
	struct tracker *t = r->tracker;
	struct site_stack found = {.space = 0};
	struct tracked *p;
	uint32_t number;

	consumer_lock(t->consumer);
	/* a replay that went back: what is shown is of later */
	if (site->site > heap_site_count(t->heap) ||
	    (site->stack && site->stack > heap_stack_count(t->heap))) {
		consumer_unlock(t->consumer);
		return found;
	}
	number = heap_process(t->heap, heap_site(t->heap, site->site)->process)->number;
	if (site->stack)
		found.stack = *heap_stack(t->heap, site->stack);
	consumer_unlock(t->consumer);
	p = tracker_find_number(t, number);
	if (p) {
		found.space = tracker_space(p, found.stack.image);
		read_maps_again(r, p, found.space, &found.stack);
	}
	return found;
}

const struct stack_names *rows_names(struct rows *r, const struct snapshot_site *site)
{
	struct site_stack s = find_stack(r, site);
	struct names *n = r->tracker->names;
	const struct stack_names *found =
		names_stack(n, s.space, s.stack.id, site->call, s.stack.pcs, s.stack.frame_count);

	if (s.stack.flags & STACK_F_LOGICAL)
		return names_innermost(n);
	return site->call == CALL_ID_GO ? names_caller(n) : found;
}

void rows_done(struct rows *r)
{
	free(r->ids);
	free(r->kept);
	free(r->primary);
	free(r->next);
}

static void reserve(struct rows *r, uint32_t count)
{
	if (count <= r->count)
		return;
	r->ids = xrealloc(r->ids, count * sizeof(*r->ids));
	r->primary = xrealloc(r->primary, count * sizeof(*r->primary));
	r->next = xrealloc(r->next, count * sizeof(*r->next));
	memset(r->ids + r->count, 0, (count - r->count) * sizeof(*r->ids));
	memset(r->primary + r->count, 0, (count - r->count) * sizeof(*r->primary));
	memset(r->next + r->count, 0, (count - r->count) * sizeof(*r->next));
	r->count = count;
}

/* True when it is another one than before. */
static bool renew_id(struct rows *r, const struct snapshot_site *site)
{
	struct row_id *row = &r->ids[site->site];
	struct site_stack s = find_stack(r, site);
	uint64_t before = row->id;

	row->id = names_site_id(r->tracker->names, s.space, s.stack.id, site->call, s.stack.pcs,
				s.stack.frame_count, &row->settled);
	return row->id != before || !r->primary[site->site];
}

static void chain(struct rows *r)
{
	uint32_t i;

	memset(r->next, 0, r->count * sizeof(*r->next));
	for (i = 1; i < r->count; i++) {
		uint32_t primary = r->primary[i];

		if (!primary || primary == i || primary >= r->count)
			continue;
		r->next[i] = r->next[primary];
		r->next[primary] = i;
	}
}

void rows_keep_lifetimes(struct rows *r, uint32_t sites)
{
	struct heap *heap = r->tracker->heap;

	r->kept = xrealloc(r->kept, ((size_t)sites + 1) * sizeof(*r->kept));
	r->kept_count = sites + 1;
	for (uint32_t i = 1; i <= sites; i++)
		r->kept[i] = *heap_site_lifetimes(heap, i);
}

bool rows_lifetimes(const struct rows *r, uint32_t site, struct lifetimes *out)
{
	uint32_t i;

	*out = (struct lifetimes){.ages = {.v = {0}}};
	if (!site || site >= r->count || site >= r->kept_count)
		return false;
	for (i = site; i && i < r->kept_count; i = r->next[i]) {
		histogram_merge(&out->ages, &r->kept[i].ages);
		histogram_merge(&out->sizes, &r->kept[i].sizes);
	}
	return true;
}

void rows_fold(struct rows *r, struct snapshot *s, uint32_t heap_sites, struct breath *breath)
{
	uint64_t *ids = xcalloc(s->site_count + 1, sizeof(*ids));
	bool same = r->alone && s->site_count == r->site_count;
	size_t i;

	reserve(r, heap_sites + 1);
	for (i = 0; i < s->site_count; i++) {
		const struct snapshot_site *site = &s->sites[i];

		if (!r->ids[site->site].settled && renew_id(r, site))
			same = false;
		ids[i] = r->ids[site->site].id;
		breath_take(breath);
	}
	if (!same) {
		r->site_count = s->site_count;
		if (snapshot_fold(s, ids, r->primary))
			log_error("cannot take a snapshot: out of memory");
		r->alone = s->site_count == r->site_count;
		chain(r);
	}
	free(ids);
}
