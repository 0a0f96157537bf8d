/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Histograms of whole processes: the sites' own, each brought to the totals of its site, and what is outstanding. */
#include "spread.h"

/* Sites at a time. */
#define PIECE 512u

static void add_history(struct spread *to, const struct lifetimes *l, const struct totals *t)
{
	uint64_t sizes = histogram_total(&l->sizes), ages = histogram_total(&l->ages);
	double size_scale = sizes ? (double)t->alloc_count / (double)sizes : 0;
	double age_scale = ages ? (double)t->free_count / (double)ages : 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		to->sizes[i].blocks += size_scale * l->sizes.v[i];
		to->ages[i].blocks += age_scale * l->ages.v[i];
	}
}

static void add_block(struct spread *to, uint64_t bytes, uint64_t age_ns, double weight)
{
	struct spread_class *size = &to->sizes[histogram_bucket(bytes)];
	struct spread_class *age = &to->ages[lifetimes_age_bucket(age_ns)];

	size->outstanding += weight;
	size->bytes += weight * (double)bytes;
	age->outstanding += weight;
	age->bytes += weight * (double)bytes;
}

struct adding {
	struct spread *to;
	const struct heap *heap;
	const struct heap_process *process;
	uint64_t now_ns;
};

static void visit(void *adding, const struct block *b)
{
	const struct adding *a = adding;

	add_block(a->to, b->bytes, lifetimes_age(b->born_ns, a->now_ns),
		  1 / chance_of(a->heap, a->process, b));
}

static void add_ranges(const struct adding *a)
{
	for (size_t i = 0; i < a->process->ranges.count; i++) {
		const struct range *r = &a->process->ranges.v[i];

		add_block(a->to, r->bytes, lifetimes_age(r->born_ns, a->now_ns), 1);
	}
}

static void some_sites(struct spread_walk *w)
{
	const struct snapshot *s = w->snapshot;

	for (size_t n = 0; n < PIECE && w->site < s->site_count; n++) {
		const struct snapshot_site *site = &s->sites[w->site++];

		add_history(&w->spreads[site->process], heap_site_lifetimes(w->heap, site->site),
			    &site->totals);
	}
}

static void some_blocks(struct spread_walk *w)
{
	const struct snapshot *s = w->snapshot;
	struct adding a = {.to = &w->spreads[w->process],
			   .heap = w->heap,
			   .process = heap_process(w->heap, s->processes[w->process].index),
			   .now_ns = s->time_ns};

	if (blocks_walk(&a.process->blocks, &w->position, visit, &a))
		return;
	add_ranges(&a);
	w->position = 0;
	w->process++;
}

bool spread_some(struct spread_walk *w)
{
	const struct snapshot *s = w->snapshot;

	if (w->site < s->site_count)
		some_sites(w);
	else if (w->process < s->process_count)
		some_blocks(w);
	return w->site < s->site_count || w->process < s->process_count;
}
