// SPDX-License-Identifier: GPL-2.0-or-later
#include "overhead.h"

#include "base/clock.h"
#include "target/process.h"
#include "tracker.h"

void overhead_init(struct overhead *o, struct tracker *tracker, enum probe_method method)
{
	*o = (struct overhead){.tracker = tracker, .job = trap_cost_begin(method)};
}

void overhead_done(struct overhead *o)
{
	trap_cost_end(o->job);
	o->job = NULL;
}

double overhead_cost_ns(const struct probe_hits *hits, const struct trap_costs *costs)
{
	double sum = 0;
	int kind;

	for (kind = 0; kind < HIT_KINDS; kind++) {
		double program = hits->timed[kind]
					 ? (double)hits->time_ns[kind] / (double)hits->timed[kind]
					 : 0;

		sum += (double)hits->count[kind] * (costs->ns[kind] + program);
	}
	return sum;
}

static void read_cpu(struct tracked *p)
{
	uint64_t now = p->ended ? 0 : process_cpu_ns(p->pid);

	if (now > p->cpu_ns)
		p->cpu_ns = now;
}

/* Time that a process had used before it was attached to is no time under tracing. */
static double cpu_of_all(struct tracker *t)
{
	uint64_t sum = 0;
	struct tracked *p;

	for (p = t->first; p; p = p->next) {
		if (p->borrowed)
			continue;
		read_cpu(p);
		sum += p->cpu_ns > p->cpu_before_ns ? p->cpu_ns - p->cpu_before_ns : 0;
	}
	return (double)sum;
}

void overhead_begin(struct overhead *o)
{
	struct tracked *p;

	for (p = o->tracker->first; p; p = p->next) {
		read_cpu(p);
		p->cpu_before_ns = p->cpu_ns;
	}
	loader_hits(o->tracker->loader, &o->before);
}

struct overhead_figures overhead_now(struct overhead *o, bool wait)
{
	struct overhead_figures f = {.time_ns = clock_monotonic_ns()};
	struct probe_hits hits;
	int kind;

	if (!o->known)
		o->known = trap_cost_get(o->job, wait, &o->costs);
	f.known = o->known;
	f.cpu_ns = cpu_of_all(o->tracker);
	loader_hits(o->tracker->loader, &hits);
	for (kind = 0; kind < HIT_KINDS; kind++)
		hits.count[kind] -= o->before.count[kind];
	if (f.known)
		f.cost_ns = overhead_cost_ns(&hits, &o->costs);
	return f;
}
