/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Histograms of whole processes: the sites' own, each brought to the totals of its site, and what is outstanding. */
#include "spread.h"

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

static void add_process(struct spread *to, const struct heap *h, const struct heap_process *p,
			uint64_t now_ns)
{
	const struct block *b;
	size_t it = 0;

	while ((b = blocks_next(&p->blocks, &it)))
		add_block(to, b->bytes, lifetimes_age(b->born_ns, now_ns), 1 / chance_of(h, p, b));
	for (size_t i = 0; i < p->ranges.count; i++)
		add_block(to, p->ranges.v[i].bytes, lifetimes_age(p->ranges.v[i].born_ns, now_ns),
			  1);
}

void spread_add(struct spread *spreads, const struct snapshot *s, struct heap *h)
{
	for (size_t i = 0; i < s->site_count; i++) {
		const struct snapshot_site *site = &s->sites[i];

		add_history(&spreads[site->process], heap_site_lifetimes(h, site->site),
			    &site->totals);
	}
	for (size_t i = 0; i < s->process_count; i++)
		add_process(&spreads[i], h, heap_process(h, s->processes[i].index), s->time_ns);
}
