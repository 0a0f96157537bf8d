/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Heap -> snapshot. Blocks are never walked: what is needed of them is in the sites' totals and
 * generations.
 *
 * Everybody who has events waits while the heap is read, and there may be very many sites. So they
 * are copied ahead, some at a time, and only those that have changed since are copied once more
 * in the one hold of the lock that makes all figures of one moment.
 *
 * Invariant: process k of the snapshot is process k + 1 of the heap; sites with activity are all
 * there.
 */
#include "build.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../base/clock.h"
#include "scale.h"

#define PIECE 512u

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
	to->heap_free_count = p->totals.free_count;
	to->ranges_bytes = p->ranges_totals.outstanding_bytes;
	to->event_count = p->event_count;
	to->lost_events = lost_events(p);
	to->unknown_frees = p->counts[COUNTER_UNKNOWN_FREE];
	to->missed_allocs = p->counts[COUNTER_MISSED_ALLOC];
	to->reused_addresses = p->counts[COUNTER_REUSED_ADDRESS];
	to->inherits = p->parent != 0;
	to->before = p->before;
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

/* Of the heap class, what is no estimate: all but what the errors are of. */
static void add_exact(struct errors *e, const struct totals *t)
{
	struct totals exact = *t;

	exact.alloc_bytes -= e->alloc.seen_bytes + (uint64_t)(e->alloc.missing_bytes + 0.5);
	exact.alloc_count -= e->alloc.seen_count + (uint64_t)(e->alloc.missing_count + 0.5);
	exact.free_bytes -= e->free.seen_bytes + (uint64_t)(e->free.missing_bytes + 0.5);
	exact.free_count -= e->free.seen_count + (uint64_t)(e->free.missing_count + 0.5);
	add_certain(e, &exact);
}

/* Objects of Go are drawn at spans, whatever -s says; see bpf/go.bpf.h. */
#define GO_MEAN_BYTES 8192u

static uint64_t mean_of(const struct heap *h)
{
	return heap_sample_bytes(h) ? heap_sample_bytes(h) : GO_MEAN_BYTES;
}

static void copy_uncertain(struct snapshot_builder *b, const struct heap_process *p,
			   struct snapshot_process *to)
{
	if (!b->snapshot->uncertain || p->has_bulk)
		return;
	to->uncertain = &b->snapshot->uncertain[to->index - 1];
	to->uncertain->sample_bytes = mean_of(b->heap);
	to->uncertain->errors = p->errors;
	if (!heap_sample_bytes(b->heap))
		add_exact(&to->uncertain->errors, &p->totals);
	add_certain(&to->uncertain->errors, &p->ranges_totals);
}

static void copy_uncertain_site(struct snapshot_builder *b, struct snapshot_site *to)
{
	if (!b->snapshot->uncertain || to->range || to->bulk ||
	    !heap_site_errors(b->heap, to->site))
		return;
	to->uncertain = &b->snapshot->uncertain[b->processes + to->site - 1];
	*to->uncertain = (struct uncertain){.sample_bytes = mean_of(b->heap),
					    .errors = *heap_site_errors(b->heap, to->site)};
}

/* Seconds since the outstanding block of a generation was born; -1: there is none. */
static double age_s(const struct heap *h, const struct site *s, uint32_t number, uint64_t now_ns)
{
	uint64_t start = heap_generation_start(h, number);

	if (!s->totals.outstanding_count)
		return -1;
	if (start < s->first_ns)
		start = s->first_ns; /* a generation may be longer than the site is old */
	return now_ns > start ? (double)(now_ns - start) / NS_PER_S : 0;
}

static void copy_ages(const struct heap *h, const struct site *s, uint64_t now_ns,
		      struct snapshot_site *to)
{
	const struct lifetimes *l = heap_site_lifetimes(h, to->site);
	uint32_t number;

	to->oldest_s = to->median_age_s = -1;
	if (!s->bulk && generations_oldest(&s->generations, &number)) {
		to->oldest_s = age_s(h, s, number, now_ns);
		to->median_age_s = age_s(h, s, generations_median(&s->generations), now_ns);
	}
	lifetimes_read(l, &to->lifetimes.median_s, &to->lifetimes.young_share);
	to->lifetimes.alike_share = histogram_fullest(&l->sizes);
	to->bytes_at_peak = heap_site_at_peak(h, to->site);
}

static void copy_bulk(const struct heap *h, const struct site *s, struct snapshot_site *to)
{
	const struct bulk *b = s->bulk ? heap_bulk(h, s->bulk) : NULL;

	to->bulk = b != NULL;
	if (b)
		to->before = b->before;
}

static void copy_site(struct snapshot_builder *b, uint32_t index)
{
	const struct heap *h = b->heap;
	const struct site *s = heap_site(b->heap, index);
	struct snapshot_site *to = &b->snapshot->sites[index - 1];

	to->version = 0;
	if (!s->version || !s->totals.alloc_count)
		return; /* no event at it succeeded, or an exec took it back */
	*to = (struct snapshot_site){
		.site = index,
		.process = s->process - 1,
		.stack = s->stack,
		.call = s->call,
		.range = s->range,
		.totals = b->coverage ? scale_site(s, b->coverage) : s->totals,
		.version = s->version,
		.stack_flags = s->stack ? heap_stack(h, s->stack)->flags : 0,
	};
	copy_bulk(h, s, to);
	copy_ages(h, s, b->snapshot->time_ns, to);
	copy_uncertain_site(b, to);
	if (b->growth)
		growth_fill_site(b->growth, b->heap, to);
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

/* ---- in steps ---- */

static int make_room(struct snapshot_builder *b, uint32_t sites, uint32_t processes)
{
	struct snapshot *s = b->snapshot;

	b->sites = sites;
	b->processes = processes;
	b->copied = 0;
	b->versions = calloc(sites / PIECE + 1, sizeof(*b->versions));
	s->processes = calloc(processes + 1, sizeof(*s->processes));
	s->sites = malloc(((size_t)sites + 1) * sizeof(*s->sites));
	if (heap_is_drawn(b->heap))
		s->uncertain = calloc((size_t)processes + sites + 1, sizeof(*s->uncertain));
	if (b->versions && s->processes && s->sites && (s->uncertain || !heap_is_drawn(b->heap)))
		return 0;
	return -ENOMEM;
}

static void give_up_room(struct snapshot_builder *b)
{
	uint64_t time_ns = b->snapshot->time_ns;

	free(b->versions);
	b->versions = NULL;
	snapshot_free(b->snapshot);
	b->snapshot->time_ns = time_ns;
}

int snapshot_begin(struct snapshot_builder *b, struct snapshot *s, uint32_t sites,
		   uint32_t processes, uint64_t now_ns)
{
	memset(s, 0, sizeof(*s));
	s->time_ns = now_ns;
	b->snapshot = s;
	if (b->growth)
		growth_look(b->growth, now_ns);
	/* some come meanwhile */
	if (!make_room(b, sites + sites / 8 + PIECE, processes + processes / 8 + 16))
		return 0;
	give_up_room(b);
	return -ENOMEM;
}

bool snapshot_some(struct snapshot_builder *b)
{
	uint32_t end = heap_site_count(b->heap);

	if (end > b->sites)
		end = b->sites;
	b->versions[b->copied / PIECE] = heap_version(b->heap);
	for (uint32_t n = 0; n < PIECE && b->copied < end; n++)
		copy_site(b, ++b->copied);
	return b->copied < end;
}

static void copy_changed(struct snapshot_builder *b, uint32_t sites)
{
	for (uint32_t i = 1; i <= b->copied; i++) {
		if (heap_site(b->heap, i)->version > b->versions[(i - 1) / PIECE])
			copy_site(b, i);
	}
	while (b->copied < sites)
		copy_site(b, ++b->copied);
}

int snapshot_settle(struct snapshot_builder *b)
{
	uint32_t sites = heap_site_count(b->heap), processes = heap_process_count(b->heap);
	struct snapshot *s = b->snapshot;

	if (sites > b->sites || processes > b->processes) {
		give_up_room(b);
		if (make_room(b, sites, processes)) {
			give_up_room(b);
			return -ENOMEM;
		}
	}
	copy_changed(b, sites);
	s->process_count = processes;
	for (uint32_t i = 0; i < processes; i++) {
		copy_process(&s->processes[i], heap_process(b->heap, i + 1), i + 1);
		s->processes[i].peak_ns = heap_peak_time(b->heap, i + 1, false);
		copy_uncertain(b, heap_process(b->heap, i + 1), &s->processes[i]);
	}
	for (int id = COUNTER_USER_FIRST; id < COUNTER_COUNT; id++)
		s->counts[id] = heap_counter(b->heap, (enum counter_id)id);
	return 0;
}

static void settle_uncertain(struct uncertain *u)
{
	if (u)
		u->sizes_vary = errors_sizes_vary(&u->errors, u->sample_bytes);
}

static void add_go_live(struct carried *live, const struct totals *t)
{
	live->bytes += t->outstanding_bytes;
	live->count += t->outstanding_count;
}

static void keep_active(struct snapshot_builder *b)
{
	struct snapshot *s = b->snapshot;

	for (uint32_t i = 0; i < b->copied; i++) {
		struct snapshot_site *site = &s->sites[s->site_count];

		if (!s->sites[i].version)
			continue;
		if (s->site_count++ != i)
			*site = s->sites[i];
		settle_uncertain(site->uncertain);
		if (site->totals.outstanding_count)
			s->processes[site->process].site_count++;
		if (site->call == CALL_ID_GO)
			add_go_live(&s->processes[site->process].go_live, &site->totals);
	}
}

void snapshot_end(struct snapshot_builder *b)
{
	struct snapshot *s = b->snapshot;

	keep_active(b);
	for (size_t i = 0; i < s->process_count; i++)
		settle_uncertain(s->processes[i].uncertain);
	if (b->coverage)
		snapshot_sum(s, b->coverage);
	if (b->growth)
		growth_fill_processes(b->growth, s);
	for (size_t i = 0; i < s->site_count; i++)
		if (s->sites[i].verdict == VERDICT_LEAK)
			s->processes[s->sites[i].process].leak_site_count++;
	free(b->versions);
	b->versions = NULL;
}

int snapshot_build(struct snapshot *s, struct heap *h, struct growth *growth, uint64_t now_ns)
{
	struct snapshot_builder b = {.heap = h, .growth = growth};
	int err = snapshot_begin(&b, s, heap_site_count(h), heap_process_count(h), now_ns);

	if (!err)
		err = snapshot_settle(&b);
	if (!err)
		snapshot_end(&b);
	else
		memset(s, 0, sizeof(*s));
	return err;
}
