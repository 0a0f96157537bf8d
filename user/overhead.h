/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tracing costs the traced processes: hits of probes times the cost of a hit, beside the processor time that the
 * processes have used. The cost of a hit is that of its trap, measured on this machine (probe/trap_cost.h), and the time
 * of the programs, timed at every 64th hit in the processes themselves. The main thread only.
 */
#ifndef USER_OVERHEAD_H
#define USER_OVERHEAD_H

#include <stdbool.h>
#include <stdint.h>
#include "analyse/snapshot.h"
#include "probe/loader.h"
#include "probe/trap_cost.h"

struct tracker;

/* Of all traced processes together, since tracing began. */
struct overhead_figures {
	bool known;	  /* else the costs are 0 */
	double cost_ns;	  /* by tracing; part of cpu_ns */
	double cpu_ns;	  /* processor time, from all threads */
	uint64_t time_ns; /* clock_monotonic_ns() of this */
};

struct overhead {
	struct tracker *tracker;
	struct trap_cost_job *job;
	struct trap_costs costs;
	bool known;
	struct probe_hits before;	     /* tracing began */
	struct overhead_figures before_cost; /* of what overhead_cost() gave last */
	struct snapshot_cost cost;
};

void overhead_init(struct overhead *o, struct tracker *tracker, enum probe_method method);
void overhead_done(struct overhead *o);
/* Tracing begins: from here on. */
void overhead_begin(struct overhead *o);
/* `wait`: for the measurement of a hit, if it is still under way. */
struct overhead_figures overhead_now(struct overhead *o, bool wait);

/* For a snapshot. Those that come at once after another have its figures. */
struct snapshot_cost overhead_cost(struct overhead *o);
/* One line on stderr: all of it. */
void overhead_say(struct overhead *o);

/* Pure: what so many hits cost. */
double overhead_cost_ns(const struct probe_hits *hits, const struct trap_costs *costs);

#endif /* USER_OVERHEAD_H */
