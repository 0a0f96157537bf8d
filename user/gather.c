/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gather.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "go_pool_watch.h"
#include "target/process.h"

/* The last snapshot often comes a millisecond after the one before, and writing that one is no share of the run. */
#define SHORTEST_CPU_SPAN_NS (NS_PER_S / 10)

static uint64_t own_cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_S +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

void gather_begin(struct gather *g, uint64_t now_ns)
{
	struct tracked *t;

	g->begun_ns = g->last_ns = now_ns;
	g->last_cpu_ns = own_cpu_ns();
	overhead_begin(g->windows->overhead);
	g->pss = pss_reader_start(PSS_RSS_MAX);
	for (t = g->tracker->first; t; t = t->next) {
		memory_facts_begin(t, g->pss);
		go_facts_begin(t);
	}
}

void gather_end(struct gather *g)
{
	pss_reader_stop(g->pss);
	g->pss = NULL;
}

static void gather_clocks(const struct gather *g, struct facts *f)
{
	f->realtime_ns = clock_realtime_ns();
	f->elapsed_s = (double)(f->time_ns - g->begun_ns) / 1e9;
}

static void gather_own(struct gather *g, struct facts *f)
{
	uint64_t now = clock_monotonic_ns(), cpu = own_cpu_ns(), wall = now - g->last_ns;
	bool first = g->last_ns == g->begun_ns;

	if (wall >= SHORTEST_CPU_SPAN_NS || (first && wall > 0)) {
		g->cpu_percent = 100.0 * (double)(cpu - g->last_cpu_ns) / (double)wall;
		g->last_ns = now;
		g->last_cpu_ns = cpu;
	}
	f->tracer_cpu_percent = g->cpu_percent;
	f->tracer_cpu_s = (double)cpu / 1e9;
	f->tracer_rss_bytes = process_rss(getpid());
	f->cost = overhead_cost(g->windows->overhead);
}

static void gather_counts(const struct gather *g, struct facts *f)
{
	loader_counts(g->tracker->loader, f->counts);
	f->counts[COUNTER_LATE_EVENT] = consumer_late_count(g->tracker->consumer);
	f->counts[COUNTER_BAD_RECORD] = consumer_bad_count(g->tracker->consumer);
}

static void gather_name(const struct tracked *t, struct process_facts *p)
{
	p->number = t->number;
	p->pid = (uint32_t)t->pid;
	snprintf(p->comm, sizeof(p->comm), "%s", t->comm);
}

static void gather_process(const struct gather *g, struct tracked *t, struct process_facts *p)
{
	gather_name(t, p);
	p->attached = t->attached;
	p->rss_first = t->rss_first;
	p->rss_bytes = UINT64_MAX;
	go_pool_watch_gather(t, &p->go_pools);
	if (t->ended) {
		memory_facts_end(t, g->pss);
		memcpy(p->counts, t->counts, sizeof(p->counts));
		return;
	}
	loader_process_counts(g->tracker->loader, t->pid, p->counts);
	memory_facts_gather(t, g->pss, p);
	go_facts_gather(t, g->tracker, g->options, p);
}

void gather_sample(struct gather *g, uint64_t time_ns, struct facts *f)
{
	*f = (struct facts){.time_ns = time_ns, .coverage = windows_figures(g->windows)};
}

void gather_processes(struct gather *g, struct facts *f)
{
	struct tracked *t;

	for (t = g->tracker->first; t; t = t->next) {
		if (!t->borrowed)
			gather_process(g, t, facts_add_process(f));
	}
}

void gather_goroutines(struct gather *g, struct facts *f)
{
	struct process_facts *p;
	struct tracked *t;

	for (t = g->tracker->first; t; t = t->next) {
		if (t->borrowed || t->ended || !t->go.process)
			continue;
		p = facts_add_process(f);
		gather_name(t, p);
		go_facts_goroutines(t, g->options, p);
	}
}

void gather_figures(struct gather *g, uint64_t time_ns, struct facts *f)
{
	gather_sample(g, time_ns, f);
	gather_processes(g, f);
	gather_clocks(g, f);
	gather_counts(g, f);
}

void gather_facts(struct gather *g, uint64_t time_ns, struct facts *f)
{
	gather_figures(g, time_ns, f);
	gather_own(g, f);
}
