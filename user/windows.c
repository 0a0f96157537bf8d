// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A window begins when all breakpoints stand and all events of before are applied: then the BPF side is
 * unmuted, in one moment. It ends by muting, and then the breakpoints go. So what is counted of a window is between two
 * clear moments, and what the breakpoints cost while they come and go is charged to the budget all the same.
 */
#include "windows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "tracker.h"

void windows_init(struct windows *w, struct tracker *tracker, struct overhead *overhead,
		  double percent)
{
	*w = (struct windows){.tracker = tracker,
			      .overhead = overhead,
			      .percent = percent < 100 ? percent : 0,
			      .next_ns = UINT64_MAX};
}

static struct coverage_meter meter_of(const struct overhead_figures *f)
{
	return (struct coverage_meter){
		.time_ns = f->time_ns, .cost_ns = f->cost_ns, .cpu_ns = f->cpu_ns};
}

static void switched(struct windows *w, bool on)
{
	struct overhead_figures f = overhead_now(w->overhead, false);

	budget_switched(&w->budget, on, f.time_ns, f.cost_ns, f.cpu_ns);
}

/* What is applied to the heap from now on belongs to the window. */
static void begin_heap(struct windows *w, bool first)
{
	struct tracker *t = w->tracker;

	consumer_lock(t->consumer);
	if (!first)
		feed_window_begin(consumer_feed(t->consumer), clock_monotonic_ns());
	heap_window_sums(t->heap, &w->before);
	consumer_unlock(t->consumer);
}

static void begin_coverage(struct windows *w, bool first)
{
	struct overhead_figures f = overhead_now(w->overhead, false);
	struct coverage_meter meter = meter_of(&f);

	begin_heap(w, first);
	coverage_begin(&w->coverage, &meter);
}

bool windows_begin(struct windows *w)
{
	struct overhead_figures f;
	uint64_t seed;

	if (!(w->percent > 0))
		return true;
	f = overhead_now(w->overhead, true);
	if (!f.known) {
		log_error("cannot keep to --max-overhead %g: what a hit of a probe costs could not "
			  "be measured: leave the option out",
			  w->percent);
		return false;
	}
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = f.time_ns;
	begin_coverage(w, true);
	budget_begin(&w->budget, w->percent, seed, f.time_ns, f.cost_ns, f.cpu_ns);
	w->begun = true;
	w->next_ns = f.time_ns + BUDGET_STEP_NS;
	return true;
}

static void end_coverage(struct windows *w, const struct overhead_figures *f)
{
	struct coverage_meter meter = meter_of(f);
	struct tracker *t = w->tracker;
	struct coverage_yield yield;
	struct window_sums now;

	consumer_sync(t->consumer);
	consumer_lock(t->consumer);
	heap_window_sums(t->heap, &now);
	consumer_unlock(t->consumer);
	yield = (struct coverage_yield){
		.alloc_bytes = (double)(now.alloc_bytes - w->before.alloc_bytes),
		.alloc_count = (double)(now.alloc_count - w->before.alloc_count),
		.kept_bytes = (double)now.fresh_bytes,
		.kept_count = (double)now.fresh_count,
	};
	coverage_end(&w->coverage, &meter, &yield);
}

static void begin_closing(struct windows *w)
{
	struct tracker *t = w->tracker;
	struct closing *c = &w->closing;
	struct tracked *p;

	c->detach = (struct detach){.idle_program = loader_idle_program(t->loader), .silent = true};
	t->paused = true;
	stall_update_begin(t->stall);
	for (p = t->first; p; p = p->next) {
		if (p->attachment)
			attachment_pause(p->attachment, &c->detach);
	}
	closing_begin(c);
}

static void end_closing(struct windows *w)
{
	uint64_t begun_ns = w->closing.begun_ns;

	closing_end(&w->closing);
	stall_update_end(w->tracker->stall);
	log_verbose("the probes went in %.1f ms", (double)(clock_monotonic_ns() - begun_ns) / 1e6);
	switched(w, false);
}

static void resume_probes(struct tracker *t)
{
	struct tracked *p;
	int err;

	t->paused = false;
	stall_update_begin(t->stall);
	for (p = t->first; p; p = p->next) {
		err = p->attachment ? attachment_resume(p->attachment) : 0;
		if (err && err != -ESRCH)
			log_verbose("process %d: not all probes could be placed again: %s",
				    (int)p->pid, strerror(-err));
	}
	stall_update_end(t->stall);
}

static void close_window(struct windows *w)
{
	struct overhead_figures f;

	loader_pause(w->tracker->loader, true);
	f = overhead_now(w->overhead, false);
	end_coverage(w, &f);
	log_verbose("window %llu is over, %.1f%% of the time covered",
		    (unsigned long long)w->coverage.windows,
		    coverage_figures(&w->coverage).time_percent);
	begin_closing(w);
}

static void open_window(struct windows *w)
{
	uint64_t begun = clock_monotonic_ns();

	resume_probes(w->tracker);
	log_verbose("window %llu: the probes came in %.1f ms",
		    (unsigned long long)w->coverage.windows + 1,
		    (double)(clock_monotonic_ns() - begun) / 1e6);
	consumer_sync(w->tracker->consumer);
	begin_coverage(w, false);
	loader_pause(w->tracker->loader, false);
	switched(w, true);
}

static void give_up(struct windows *w)
{
	close_window(w);
	w->given_up = true;
	log_warn("detached: tracing costs more than --max-overhead %g allows, even in windows of "
		 "%.1f s that cover %g%% of the time",
		 w->percent, (double)BUDGET_WINDOW_NS / 1e9, BUDGET_SHARE_LEAST * 100);
}

void windows_step(struct windows *w, uint64_t now_ns)
{
	struct overhead_figures f;

	if (!w->begun || now_ns < w->next_ns)
		return;
	w->next_ns = now_ns + BUDGET_STEP_NS;
	if (closing_is_busy(&w->closing))
		return;
	if (w->closing.begun_ns)
		end_closing(w);
	if (w->given_up) {
		w->next_ns = UINT64_MAX;
		return;
	}
	f = overhead_now(w->overhead, false);
	switch (budget_step(&w->budget, f.time_ns, f.cost_ns, f.cpu_ns)) {
	case BUDGET_STAY: break;
	case BUDGET_OPEN: open_window(w); break;
	case BUDGET_CLOSE: close_window(w); break;
	case BUDGET_GIVE_UP: give_up(w); break;
	}
}

struct coverage_figures windows_figures(struct windows *w)
{
	struct coverage_figures all = {.time_percent = 100,
				       .work_percent = 100,
				       .windows = 1,
				       .scale = 1,
				       .scale_previous = 1,
				       .scale_older = 1};
	struct overhead_figures f;
	struct coverage_meter meter;

	if (!w->begun)
		return all;
	/* nothing is known of the time after */
	if (!w->given_up) {
		f = overhead_now(w->overhead, false);
		meter = meter_of(&f);
		coverage_advance(&w->coverage, &meter);
	}
	return coverage_figures(&w->coverage);
}

void windows_done(struct windows *w)
{
	if (w->closing.begun_ns)
		end_closing(w);
}

void windows_say(struct windows *w)
{
	struct coverage_figures f = windows_figures(w);
	char error[96] = "";

	if (!f.partial)
		return;
	if (f.error_known)
		snprintf(error, sizeof(error),
			 ": allocated bytes +-%.1f%%, outstanding bytes +-%.1f%%",
			 f.alloc_bytes_error, f.kept_bytes_error);
	log_info("traced %.1f%% of the time, %.1f%% of the work, in %llu windows: figures are "
		 "estimates%s",
		 f.time_percent, f.work_percent, (unsigned long long)f.windows, error);
}
