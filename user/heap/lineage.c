/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fork, exec and exit.
 *
 * A child inherits blocks and ranges with their births; they count as allocated at sites of its
 * own, so that alloc - free = outstanding holds for it too, but not as events. A child that user
 * space has added before its fork event came inherits the same way; when it has had events of its
 * own, what it has stays and only free addresses are filled. An exec frees all that is there,
 * without events; peaks stay. What is outstanding at the exit stays outstanding.
 *
 * Invariant: a fork is inherited whole or, when memory runs out, not at all (then the child's frees
 * are unknown ones).
 */
#include "charge.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct inheritance {
	struct heap *heap;
	struct heap_process *from, *to;
	uint32_t child;	 /* index of `to` */
	uint32_t *sites; /* parent's site -> child's site, 0: nothing outstanding there */
	uint64_t time_ns;
};

/* The child's sites, for all sites of the parent with anything outstanding. */
static bool make_sites(struct inheritance *n)
{
	struct heap *h = n->heap;

	n->sites = calloc((size_t)h->sites.count + 1, sizeof(*n->sites));
	if (!n->sites)
		return false;
	for (uint32_t i = n->from->first_site; i; i = site_at(h, i)->next) {
		const struct site *s = site_at(h, i);

		if (!s->totals.outstanding_count)
			continue;
		n->sites[i] = sites_get(h, n->child, s->stack_id, s->call);
		if (!n->sites[i])
			return false;
	}
	return true;
}

static bool charge_sites(const struct inheritance *n)
{
	struct heap *h = n->heap;
	bool ok = true;

	for (uint32_t i = n->from->first_site; i; i = site_at(h, i)->next)
		if (n->sites[i])
			ok &= sites_inherit(h, n->to, n->sites[i], i, n->time_ns);
	return ok;
}

/* The usual case: the child has nothing yet. */
static bool inherit_all(const struct inheritance *n)
{
	struct block *block;

	if (blocks_copy(&n->to->blocks, &n->from->blocks))
		return false;
	if (blocks_copy(&n->to->resized, &n->from->resized) ||
	    blocks_copy(&n->to->weights, &n->from->weights) ||
	    ranges_copy(&n->to->ranges, &n->from->ranges)) {
		blocks_done(&n->to->resized);
		blocks_done(&n->to->weights);
		blocks_done(&n->to->blocks);
		return false;
	}
	for (size_t it = 0; (block = blocks_next(&n->to->blocks, &it));)
		block->site = n->sites[block->site];
	for (size_t i = 0; i < n->to->ranges.count; i++)
		n->to->ranges.v[i].site = n->sites[n->to->ranges.v[i].site];
	return charge_sites(n);
}

/* A block that was resized counts for the child as it does for the parent. */
static bool copy_drawn(const struct inheritance *n, const struct block *block)
{
	const struct block *drawn = NULL;

	if (n->from->resized.count)
		drawn = blocks_find(&n->from->resized, block->address);
	return !drawn || weight_resize(n->to, drawn);
}

/* The child has had events: what it has is newer. */
static bool inherit_missing(const struct inheritance *n)
{
	const struct block *block;

	for (size_t it = 0; (block = blocks_next(&n->from->blocks, &it));) {
		struct block copy = *block;

		copy.site = n->sites[block->site];
		if (blocks_find(&n->to->blocks, block->address))
			continue;
		if (!copy_drawn(n, block) || !blocks_insert(&n->to->blocks, &copy))
			return false;
		sites_alloc_at(n->heap, n->to, copy.site, weight_of(n->heap, n->to, &copy),
			       copy.born_ns, n->time_ns);
		errors_alloc(n->heap, n->to, &copy);
	}
	for (size_t i = 0; i < n->from->ranges.count; i++) {
		struct range copy = n->from->ranges.v[i];
		int err;

		copy.site = n->sites[copy.site];
		err = ranges_insert(&n->to->ranges, &copy);
		if (!err)
			sites_alloc_at(n->heap, n->to, copy.site,
				       (struct weight){.bytes = copy.bytes, .count = 1},
				       copy.born_ns, n->time_ns);
		else if (err == -ENOMEM)
			return false;
	}
	return true;
}

static uint32_t get_child(struct heap *h, const struct heap_process *from,
			  const struct event_fork *e, bool *late)
{
	uint32_t child = heap_find_process(h, e->child);

	*late = child != 0;
	if (!child)
		child = heap_add_process(h, e->child, e->child_pid, from->comm, e->h.time_ns);
	return child;
}

void lineage_fork(struct heap *h, uint32_t parent, const struct event_fork *e)
{
	struct inheritance n = {
		.heap = h,
		.from = h->processes[parent],
		.time_ns = e->h.time_ns,
	};
	bool late, had_events, ok;

	if (!e->child || e->child == n.from->number) {
		h->counts[COUNTER_BAD_RECORD]++;
		return;
	}
	n.child = get_child(h, n.from, e, &late);
	if (!n.child) {
		n.from->counts[COUNTER_NO_MEMORY]++;
		return;
	}
	n.to = h->processes[n.child];
	n.to->counts[COUNTER_LATE_CHILD] += late;
	if (n.to->parent || n.to->exec_count)
		return; /* it has inherited already, or lost all that it inherited */
	had_events = n.to->blocks.count || n.to->ranges.count || n.to->event_count;
	n.to->parent = parent;
	ok = make_sites(&n) && (had_events ? inherit_missing(&n) : inherit_all(&n));
	n.to->counts[COUNTER_NO_MEMORY] += !ok;
	free(n.sites);
}

void lineage_exec(struct heap *h, uint32_t process, const struct event_process *e)
{
	struct heap_process *p = h->processes[process];

	for (uint32_t i = p->first_site; i; i = site_at(h, i)->next)
		sites_free_all(h, p, i, e->h.time_ns);
	blocks_done(&p->blocks);
	blocks_done(&p->resized);
	blocks_done(&p->weights);
	ranges_done(&p->ranges);
	memset(p->last, 0, sizeof(p->last));
	free(p->reuses);
	p->reuses = NULL;
	free(p->repeats);
	p->repeats = NULL;
	p->parent = 0;
	p->exec_count++;
	heap_set_comm(h, process, e->comm);
}

void lineage_exit(struct heap_process *p, const struct event_process *e)
{
	p->exited = true;
	p->exit_code = (int)e->exit_code;
	p->ended_ns = e->h.time_ns;
}
