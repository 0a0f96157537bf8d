/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel side counted is taken out at the end of each slice and added up here, so that its room is for the pools of one slice.
 * A slice begins when the probes of all processes stand, and ends before they go: what is counted in it is of one stretch of time.
 */
#include "go_pool_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "go_facts.h"
#include "options.h"
#include "probe/go_pool_probes.h"
#include "target/go.h"
#include "tracker.h"
#include "windows.h"

/* Of a hit, while none was measured. */
#define HIT_GUESS_NS 1000.0

struct counted {
	uint64_t pool;
	struct go_pool_counts counts;
};

struct go_pool_watched {
	const struct loader *loader;
	uint32_t number;
	struct go_pools *pools;	       /* NULL: none */
	struct go_pool_probes *probes; /* NULL: they cannot be placed */
	bool attached;
	uint64_t slices, covered_ns, begun_ns; /* slices that are over, but for the first */
	uint64_t lost;
	struct counted *v;
	size_t count;
};

static struct tracker *tracker_of(const struct go_pool_watch *w)
{
	return w->windows->tracker;
}

void go_pool_watch_init(struct go_pool_watch *w, struct windows *windows, const struct options *o,
			bool screen)
{
	*w = (struct go_pool_watch){
		.windows = windows, .max_overhead = o->max_overhead, .next_ns = UINT64_MAX};
	if (screen || o->pools || o->go_pool_percent > 0)
		w->percent = o->go_pool_percent > 0 ? o->go_pool_percent : POOL_SLICE_PERCENT;
}

void go_pool_watch_begin(struct go_pool_watch *w)
{
	if (!(w->percent > 0))
		return;
	w->begun = true;
	pool_slices_begin(&w->slices, w->percent, w->max_overhead, clock_monotonic_ns());
	w->next_ns = pool_slices_next_ns(&w->slices, clock_monotonic_ns());
}

/* ---- processes ---- */

void go_pool_watched_free(struct go_pool_watched *p)
{
	if (!p)
		return;
	go_pool_probes_free(p->probes);
	go_pools_close(p->pools);
	free(p->v);
	free(p);
}

static struct go_pool_watched *open_process(const struct loader *loader, struct tracked *t)
{
	struct go_pool_watched *p = xcalloc(1, sizeof(*p));
	char why[GO_POOL_WHY_MAX];

	*p = (struct go_pool_watched){
		.loader = loader, .number = t->number, .pools = go_pools_open(t->go.process)};
	if (!p->pools)
		return p;
	/* it may have ended by the first report */
	go_pools_update(p->pools);
	go_pools_name(p->pools);
	p->probes = go_pool_probes_new(loader, t->pid, t->number, p->pools, why);
	if (!p->probes)
		log_warn("process %d (%s): calls of its pools (sync.Pool) cannot be counted: %s",
			 (int)t->pid, t->comm, why);
	else if (!go_pool_probes_sees_misses(p->probes))
		log_warn("process %d (%s): how often its pools (sync.Pool) have nothing cannot be "
			 "counted: their code is another than that of %s",
			 (int)t->pid, t->comm, go_version_of(t->go.process));
	return p;
}

static bool is_ready(const struct loader *loader, struct tracked *t)
{
	if (t->ended || t->borrowed || !go_facts_open(t) || !go_facts_are_sound(t))
		return false;
	if (!t->go.pools)
		t->go.pools = open_process(loader, t);
	return t->go.pools->probes != NULL;
}

/* ---- slices ---- */

static double hit_ns(const struct go_pool_watch *w)
{
	const struct overhead *o = w->windows->overhead;
	struct probe_hits hits;

	if (!o->known)
		return HIT_GUESS_NS;
	loader_hits(tracker_of(w)->loader, &hits);
	memset(hits.count, 0, sizeof(hits.count));
	hits.count[HIT_EMULATED] = 1;
	return overhead_cost_ns(&hits, &o->costs);
}

static double cost_ns(const struct go_pool_watch *w)
{
	return (double)loader_go_pool_sums(tracker_of(w)->loader).hits * hit_ns(w);
}

static size_t attach_all(struct go_pool_watch *w)
{
	struct tracker *tracker = tracker_of(w);
	struct tracked *t;
	size_t count = 0;
	int err;

	stall_update_begin(tracker->stall);
	for (t = tracker->first; t; t = t->next) {
		if (!is_ready(tracker->loader, t))
			continue;
		err = go_pool_probes_attach(t->go.pools->probes);
		if (err && err != -ESRCH)
			log_verbose("process %d: calls of its pools are not counted now: %s",
				    (int)t->pid, strerror(-err));
		t->go.pools->attached = !err;
		count += !err;
	}
	stall_update_end(tracker->stall);
	return count;
}

static void open_slice(struct go_pool_watch *w)
{
	struct tracker *tracker = tracker_of(w);
	size_t count = attach_all(w);
	uint64_t now;
	struct tracked *t;

	now = clock_monotonic_ns();
	if (!count) {
		pool_slices_switched(&w->slices, false, now, cost_ns(w));
		return;
	}
	for (t = tracker->first; t; t = t->next) {
		if (!t->go.pools || !t->go.pools->attached)
			continue;
		t->go.pools->begun_ns = now;
		t->go.pools->slices++;
	}
	loader_count_go_pools(tracker->loader, true);
	pool_slices_switched(&w->slices, true, now, cost_ns(w));
	log_verbose("calls of sync.Pool are counted in %zu processes, slice %llu", count,
		    (unsigned long long)pool_slices_count(&w->slices));
}

static void add(struct go_pool_watched *p, uint64_t pool, const struct go_pool_counts *c)
{
	size_t i;

	for (i = 0; i < p->count && p->v[i].pool != pool; i++)
		;
	if (i == GO_POOLS_MAX) {
		p->lost += c->gets + c->puts;
		return;
	}
	if (i == p->count) {
		p->v = xrealloc(p->v, (p->count + 1) * sizeof(*p->v));
		p->v[p->count++] = (struct counted){.pool = pool};
	}
	p->v[i].counts.gets += c->gets;
	p->v[i].counts.puts += c->puts;
	p->v[i].counts.misses += c->misses;
	p->v[i].counts.made += c->made;
}

static void add_counts(void *context, uint32_t number, uint64_t pool,
		       const struct go_pool_counts *counts)
{
	struct tracked *t = tracker_find_number(context, number);

	if (t && t->go.pools)
		add(t->go.pools, pool, counts);
}

/* The end of the slice; the probes are still there. */
static void end_slice(struct go_pool_watch *w)
{
	struct tracker *tracker = tracker_of(w);
	uint64_t now;
	struct tracked *t;

	loader_count_go_pools(tracker->loader, false);
	now = clock_monotonic_ns();
	for (t = tracker->first; t; t = t->next) {
		struct go_pool_watched *p = t->go.pools;

		if (!p || !p->attached)
			continue;
		p->covered_ns += now - p->begun_ns;
		p->attached = false;
	}
	go_pool_counts_each(tracker->loader, true, add_counts, tracker);
	pool_slices_switched(&w->slices, false, now, cost_ns(w));
}

static void begin_closing(struct go_pool_watch *w)
{
	struct tracker *tracker = tracker_of(w);
	struct tracked *t;

	w->closing.detach = (struct detach){.idle_program = loader_idle_program(tracker->loader),
					    .silent = true};
	stall_update_begin(tracker->stall);
	for (t = tracker->first; t; t = t->next) {
		if (t->go.pools && t->go.pools->probes)
			go_pool_probes_take(t->go.pools->probes, &w->closing.detach);
	}
	closing_begin(&w->closing);
}

static void end_closing(struct go_pool_watch *w)
{
	if (!w->closing.begun_ns)
		return;
	closing_end(&w->closing);
	stall_update_end(tracker_of(w)->stall);
}

static void close_slice(struct go_pool_watch *w)
{
	uint64_t begun_ns = w->slices.since_ns;

	end_slice(w);
	log_verbose("calls of sync.Pool were counted for %.0f ms",
		    (double)(w->slices.since_ns - begun_ns) / 1e6);
	begin_closing(w);
}

static enum pool_slice_action next_action(struct go_pool_watch *w, uint64_t now_ns)
{
	double cpu_ns = 0;

	if (!w->slices.on && w->windows->given_up)
		return POOL_SLICE_STAY;
	if (w->slices.on && w->windows->given_up)
		return POOL_SLICE_CLOSE;
	if (!w->slices.on)
		cpu_ns = overhead_now(w->windows->overhead, false).cpu_ns;
	return pool_slices_step(&w->slices, now_ns, cost_ns(w), cpu_ns);
}

void go_pool_watch_step(struct go_pool_watch *w, uint64_t now_ns)
{
	if (!w->begun || now_ns < w->next_ns)
		return;
	if (!closing_is_busy(&w->closing)) {
		end_closing(w);
		switch (next_action(w, now_ns)) {
		case POOL_SLICE_STAY: break;
		case POOL_SLICE_OPEN: open_slice(w); break;
		case POOL_SLICE_CLOSE: close_slice(w); break;
		}
	}
	w->next_ns = pool_slices_next_ns(&w->slices, clock_monotonic_ns());
}

void go_pool_watch_done(struct go_pool_watch *w)
{
	if (w->begun && w->slices.on)
		close_slice(w);
	end_closing(w);
	w->begun = false;
	w->next_ns = UINT64_MAX;
}

/* ---- figures ---- */

static struct go_pool *row_of(struct go_pools_figures *f, const struct go_pool_facts *facts)
{
	size_t i;

	for (i = 0; i < f->count; i++) {
		if (f->v[i].facts.address == facts->address)
			return &f->v[i];
	}
	f->v[f->count] = (struct go_pool){.facts = *facts};
	return &f->v[f->count++];
}

static void add_row(struct go_pool_watched *p, struct go_pools_figures *f, uint64_t pool,
		    const struct go_pool_counts *c)
{
	const struct go_pool_facts *facts = go_pools_ask(p->pools, pool);
	struct go_pool *row;

	if (!facts) {
		f->left_out++;
		return;
	}
	row = row_of(f, facts);
	row->gets += c->gets;
	row->puts += c->puts;
	row->misses += c->misses;
	row->made += c->made;
}

struct gathering {
	struct go_pool_watched *watched;
	struct go_pools_figures *figures;
};

static void add_running(void *context, uint32_t number, uint64_t pool,
			const struct go_pool_counts *counts)
{
	struct gathering *g = context;

	if (number == g->watched->number)
		add_row(g->watched, g->figures, pool, counts);
}

static void add_rows(struct go_pool_watched *p, bool ended, struct go_pools_figures *f)
{
	struct gathering g = {p, f};
	size_t i, count = ended ? 0 : go_pools_update(p->pools);

	/* each call adds one pool that is not listed at most */
	f->v = xcalloc(count + p->count + 2 * GO_POOLS_MAX, sizeof(*f->v));
	for (i = 0; i < p->count; i++)
		add_row(p, f, p->v[i].pool, &p->v[i].counts);
	if (p->attached)
		go_pool_counts_each(p->loader, false, add_running, &g);
	for (i = 0; i < count; i++) {
		if (go_pools_at(p->pools, i)->listed)
			row_of(f, go_pools_at(p->pools, i));
	}
}

/* Names are found for all at once, when all are there. */
static void add_names(struct go_pool_watched *p, struct go_pools_figures *f)
{
	const struct go_pool_facts *facts;
	size_t i;

	go_pools_name(p->pools);
	for (i = 0; i < f->count; i++) {
		facts = go_pools_ask(p->pools, f->v[i].facts.address);
		if (facts)
			f->v[i].facts = *facts;
	}
}

void go_pool_watch_gather(struct tracked *t, struct go_pools_figures *f)
{
	struct go_pool_watched *p = t->go.pools;
	uint64_t now = clock_monotonic_ns();

	*f = (struct go_pools_figures){0};
	if (!p || !p->pools)
		return;
	f->known = true;
	f->lists = go_pools_lists(p->pools);
	f->race = go_pools_race(p->pools);
	f->sees_calls = p->probes != NULL;
	f->sees_misses = p->probes && go_pool_probes_sees_misses(p->probes);
	f->slices = p->slices;
	f->covered_ns = p->covered_ns + (p->attached ? now - p->begun_ns : 0);
	f->lost = p->lost + loader_go_pool_sums(p->loader).lost;
	add_rows(p, t->ended, f);
	add_names(p, f);
	go_pools_figures_sort(f);
}
