/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "go_facts.h"

#include <errno.h>

#include "analyse/go_gc.h"
#include "analyse/growth.h"
#include "base/clock.h"
#include "base/log.h"
#include "facts.h"
#include "go_pool_watch.h"
#include "go_profile.h"
#include "go_sampler.h"
#include "options.h"
#include "target/go.h"
#include "target/go_cycles.h"
#include "target/go_goroutines.h"
#include "tracker.h"

void go_facts_close(struct tracked *t)
{
	go_profiled_free(t, t->go.profile);
	t->go.profile = NULL;
	go_close(t->go.process);
	t->go.process = NULL;
	go_gc_free(t->go.gc);
	t->go.gc = NULL;
	go_watch_free(t->go.watch);
	t->go.watch = NULL;
}

bool go_facts_open(struct tracked *t)
{
	char why[GO_WHY_MAX];

	if (t->go.image == t->space_count)
		return t->go.process != NULL;
	go_facts_close(t);
	go_pool_watched_free(t->go.pools);
	t->go = (struct go_facts){.image = t->space_count};
	t->go.process = go_open(t->pid, t->go_builds, why);
	if (why[0])
		log_warn("process %d (%s): no figures of its Go runtime: unsupported build: %s",
			 (int)t->pid, t->comm, why);
	if (t->go.process)
		log_verbose("process %d (%s) is a Go program, built with %s", (int)t->pid, t->comm,
			    go_version_of(t->go.process));
	return t->go.process != NULL;
}

bool go_facts_alone(struct tracked *t)
{
	if (!go_facts_open(t))
		return false;
	t->go.only = true;
	log_info("process %d (%s) is a Go program (%s) without a C allocator: what is shown is "
		 "of its Go runtime",
		 (int)t->pid, t->comm, go_version_of(t->go.process));
	return true;
}

/* A runtime that has passed once may fail a few times under load; one that never has is another build. */
static void doubt(struct tracked *t)
{
	if (t->go.seen || t->go.doubt_said)
		return;
	t->go.doubt_said = true;
	log_warn("process %d (%s): no figures of its Go runtime: unsupported build: it says that "
		 "it was built with %s, but its figures contradict each other",
		 (int)t->pid, t->comm, go_version_of(t->go.process));
}

bool go_facts_are_sound(struct tracked *t)
{
	struct go_figures figures;

	if (!t->go.seen && !t->go.doubt_said)
		t->go.seen = !go_read(t->go.process, &figures);
	return t->go.seen;
}

/* Cycles of a runtime that is sound. */
static void poll_cycles(struct tracked *t, const struct options *o)
{
	struct go_gc_options options = {.window_s = o->leak_window_s,
					.threshold = o->leak_threshold};
	struct go_cycles cycles;
	uint32_t count;

	if (!go_facts_are_sound(t) || go_read_cycle_count(t->go.process, &count) ||
	    (t->go.gc && count == t->go.gc_count) || go_read_cycles(t->go.process, &cycles))
		return;
	if (!t->go.gc)
		t->go.gc = go_gc_new(&options);
	t->go.gc_count = cycles.count;
	go_gc_add(t->go.gc, &cycles);
}

bool go_facts_poll(struct tracker *tracker, const struct options *o)
{
	struct tracked *t;
	bool any = false;

	for (t = tracker->first; t; t = t->next) {
		if (t->ended || !t->go.process)
			continue;
		any = true;
		poll_cycles(t, o);
	}
	return any;
}

void go_facts_begin(struct tracked *t)
{
	struct go_figures f;

	if (!go_facts_open(t) || go_read(t->go.process, &f))
		return;
	t->go.seen = true;
	t->go.first = go_heap_bytes(&f);
}

void go_facts_goroutines(struct tracked *t, const struct options *o, struct process_facts *f)
{
	uint64_t elder_ns = (uint64_t)(growth_elder_s(o->leak_window_s) * NS_PER_S);

	if (!t->go.process || !go_facts_are_sound(t))
		return;
	if (!t->go.watch)
		t->go.watch = go_watch_new();
	go_read_goroutines(t->go.process, t->go.watch, clock_monotonic_ns(), elder_ns,
			   &f->goroutines);
}

static void gather_samples(const struct tracked *t, struct go_sampler *sampler,
			   struct go_heap_facts *out)
{
	struct go_sampler_figures figures;

	go_sampler_read(sampler, t->number, &figures);
	*out = (struct go_heap_facts){.source = GO_HEAP_SAMPLES,
				      .samples = figures.samples,
				      .uncertain = figures.uncertain,
				      .missed_cycles = figures.missed,
				      .thinned_bytes = figures.mean_bytes};
}

void go_facts_gather(struct tracked *t, const struct tracker *tracker, const struct options *o,
		     struct process_facts *f)
{
	int err;

	if (!go_facts_open(t))
		return;
	/* of those that came later nobody has said what they have */
	f->go_only = t->go.only || (!t->attached && !t->productive);
	go_profile_figures(t, &f->go_heap);
	f->go_first = t->go.first;
	if (t->go.sampled)
		gather_samples(t, tracker->go_sampler, &f->go_heap);
	err = go_read(t->go.process, &f->go);
	if (err == -EBADMSG)
		doubt(t);
	t->go.seen |= !err;
	poll_cycles(t, o);
	if (!err && t->go.gc)
		go_gc_read(t->go.gc, clock_realtime_ns(), &f->go_gc);
	go_facts_goroutines(t, o, f);
}
