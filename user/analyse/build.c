/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Heap -> snapshot, in one pass over processes and sites. Blocks are never walked: what is needed
 * of them is in the sites' totals and generations.
 *
 * Invariant: process k of the snapshot is process k + 1 of the heap; sites with activity are all
 * there.
 */
#include "build.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../base/clock.h"

static uint64_t lost_events(const struct heap_process *p)
{
	uint64_t sum = 0;

#define X(id, name, lost, help) sum += lost ? p->counts[COUNTER_##id] : 0;
	COUNTERS_USER(X)
#undef X
	return sum;
}

static void copy_process(struct snapshot_process *to, const struct heap_process *p, uint32_t index)
{
	to->index = index;
	to->number = p->number;
	to->pid = p->pid;
	memcpy(to->comm, p->comm, sizeof(to->comm));
	to->exited = p->exited;
	to->exit_code = p->exit_code;
	to->totals = p->totals;
	totals_add(&to->totals, &p->ranges_totals);
	to->totals.peak_bytes += p->ranges_totals.peak_bytes;
	to->heap_alloc_count = p->totals.alloc_count;
	to->ranges_bytes = p->ranges_totals.outstanding_bytes;
	to->event_count = p->event_count;
	to->lost_events = lost_events(p);
	to->unknown_frees = p->counts[COUNTER_UNKNOWN_FREE];
	to->missed_allocs = p->counts[COUNTER_MISSED_ALLOC];
	to->reused_addresses = p->counts[COUNTER_REUSED_ADDRESS];
	to->inherits = p->parent != 0;
	to->rss_bytes = UINT64_MAX;
}

/* Mappings are not sampled: certain, as what was seen is. */
static void add_certain(struct errors *e, const struct totals *t)
{
	e->alloc.seen_bytes += t->alloc_bytes;
	e->alloc.seen_count += t->alloc_count;
	e->free.seen_bytes += t->free_bytes;
	e->free.seen_count += t->free_count;
}

static void copy_uncertain(struct snapshot *s, const struct heap *h, const struct heap_process *p,
			   struct snapshot_process *to)
{
	if (!s->uncertain)
		return;
	to->uncertain = &s->uncertain[to->index - 1];
	to->uncertain->sample_bytes = heap_sample_bytes(h);
	to->uncertain->errors = p->errors;
	to->uncertain->sizes_vary = errors_sizes_vary(&p->errors, heap_sample_bytes(h));
	add_certain(&to->uncertain->errors, &p->ranges_totals);
}

static void copy_uncertain_site(struct snapshot *s, const struct heap *h, struct snapshot_site *to)
{
	if (!s->uncertain || to->range)
		return;
	to->uncertain = &s->uncertain[s->process_count + to->site - 1];
	to->uncertain->sample_bytes = heap_sample_bytes(h);
	to->uncertain->errors = *heap_site_errors(h, to->site);
	to->uncertain->sizes_vary = errors_sizes_vary(&to->uncertain->errors, heap_sample_bytes(h));
}

/* Seconds since the oldest outstanding block was born, to one generation; -1: none is. */
static double oldest_age_s(const struct heap *h, const struct site *s, uint64_t now_ns)
{
	uint64_t start;
	uint32_t number;

	if (!s->totals.outstanding_count || !generations_oldest(&s->generations, &number))
		return -1;
	start = heap_generation_start(h, number);
	if (start < s->first_ns)
		start = s->first_ns; /* a generation may be longer than the site is old */
	return now_ns > start ? (double)(now_ns - start) / NS_PER_S : 0;
}

static void copy_site(struct snapshot_site *to, const struct heap *h, const struct site *s,
		      uint32_t index, uint64_t now_ns)
{
	*to = (struct snapshot_site){
		.site = index,
		.process = s->process - 1,
		.stack = s->stack,
		.call = s->call,
		.range = s->range,
		.totals = s->totals,
		.oldest_s = oldest_age_s(h, s, now_ns),
		.version = s->version,
		.stack_flags = s->stack ? heap_stack(h, s->stack)->flags : 0,
	};
}

struct rank_key {
	uint64_t bytes;
	uint32_t process;
	uint32_t site;
	size_t position;
};

static int compare_ranks(const void *left, const void *right)
{
	const struct rank_key *a = left, *b = right;

	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return (a->site > b->site) - (a->site < b->site);
}

int snapshot_rank(struct snapshot *s)
{
	struct rank_key *keys = malloc((s->site_count + 1) * sizeof(*keys));
	uint32_t rank = 0;

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < s->site_count; i++)
		keys[i] = (struct rank_key){.bytes = s->sites[i].totals.outstanding_bytes,
					    .process = s->sites[i].process,
					    .site = s->sites[i].site,
					    .position = i};
	qsort(keys, s->site_count, sizeof(*keys), compare_ranks);
	for (size_t i = 0; i < s->site_count; i++) {
		rank = i && keys[i].process == keys[i - 1].process ? rank + 1 : 1;
		s->sites[keys[i].position].rank = rank;
	}
	free(keys);
	return 0;
}

static void copy_heap(struct snapshot *s, struct heap *h)
{
	uint32_t sites = heap_site_count(h);

	s->process_count = heap_process_count(h);
	for (uint32_t i = 0; i < s->process_count; i++) {
		copy_process(&s->processes[i], heap_process(h, i + 1), i + 1);
		copy_uncertain(s, h, heap_process(h, i + 1), &s->processes[i]);
	}
	for (uint32_t i = 1; i <= sites; i++) {
		const struct site *site = heap_site(h, i);

		if (!site->version || !site->totals.alloc_count)
			continue; /* no event at it succeeded, or an exec took it back */
		copy_site(&s->sites[s->site_count], h, site, i, s->time_ns);
		copy_uncertain_site(s, h, &s->sites[s->site_count++]);
		if (site->totals.outstanding_count)
			s->processes[site->process - 1].site_count++;
	}
	for (int id = COUNTER_USER_FIRST; id < COUNTER_COUNT; id++)
		s->counts[id] = heap_counter(h, (enum counter_id)id);
}

int snapshot_build(struct snapshot *s, struct heap *h, struct growth *growth, uint64_t now_ns)
{
	memset(s, 0, sizeof(*s));
	s->time_ns = now_ns;
	s->processes = calloc(heap_process_count(h) + 1, sizeof(*s->processes));
	s->sites = malloc((heap_site_count(h) + 1) * sizeof(*s->sites));
	if (heap_sample_bytes(h))
		s->uncertain = calloc(heap_process_count(h) + heap_site_count(h) + 1,
				      sizeof(*s->uncertain));
	if (!s->processes || !s->sites || (heap_sample_bytes(h) && !s->uncertain)) {
		snapshot_free(s);
		return -ENOMEM;
	}
	copy_heap(s, h);
	if (growth)
		growth_fill(growth, h, s, now_ns);
	for (size_t i = 0; i < s->site_count; i++)
		if (s->sites[i].verdict == VERDICT_LEAK)
			s->processes[s->sites[i].process].leak_site_count++;
	return 0;
}
