// SPDX-License-Identifier: GPL-2.0-or-later
#include "overhead.h"

#include "base/clock.h"
#include "base/log.h"
#include "target/process.h"
#include "tracker.h"

/* A moment alone says little: figures are of at least this long. */
#define LEAST_NS (200.0 * NS_PER_MS)

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
	o->before_cost.time_ns = clock_monotonic_ns();
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

static double percent(double part, double whole)
{
	return whole > 0 ? 100 * (part < whole ? part / whole : 1) : 0;
}

struct snapshot_cost overhead_cost(struct overhead *o)
{
	struct overhead_figures now = overhead_now(o, false), *before = &o->before_cost;
	double wall = (double)(now.time_ns - before->time_ns);
	double cost = now.cost_ns - before->cost_ns;

	o->cost.known = now.known;
	o->cost.total_s = now.cost_ns / 1e9;
	o->cost.total_percent = percent(now.cost_ns, now.cpu_ns);
	if (now.known && (wall >= LEAST_NS || !before->known)) {
		o->cost.percent = percent(cost, now.cpu_ns - before->cpu_ns);
		o->cost.core_percent = wall > 0 ? 100 * cost / wall : 0;
		*before = now;
	}
	return o->cost;
}

void overhead_say(struct overhead *o)
{
	struct overhead_figures f = overhead_now(o, true);

	if (f.known)
		log_info("tracing took about %.2f s, %.1f%% of the processor time of the traced "
			 "processes",
			 f.cost_ns / 1e9, percent(f.cost_ns, f.cpu_ns));
}
