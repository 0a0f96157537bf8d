/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one hit of a probe costs a thread on this machine, without what the program does: measured on functions of the
 * tracer itself.
 */
#ifndef PROBE_TRAP_COST_H
#define PROBE_TRAP_COST_H

#include <stdbool.h>
#include "../../include/hits.h"
#include "selftest.h"

struct trap_costs {
	double ns[HIT_KINDS];
};

/* 0 or -errno. */
int trap_cost_measure(enum probe_method method, struct trap_costs *costs);

/*
 * In the background, since links take their time to go: what was measured before in this boot is there at once. NULL when
 * there is no thread for it.
 */
struct trap_cost_job;
struct trap_cost_job *trap_cost_begin(enum probe_method method);
/* True when *costs is known. `wait`: until that is sure. */
bool trap_cost_get(struct trap_cost_job *job, bool wait, struct trap_costs *costs);
void trap_cost_end(struct trap_cost_job *job);

#endif /* PROBE_TRAP_COST_H */
