// SPDX-License-Identifier: GPL-2.0-or-later
#include "urgent.h"

#include <sched.h>

void urgent_begin(struct urgent *u)
{
	struct sched_param before, now = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};

	u->policy = sched_getscheduler(0);
	if (u->policy < 0 || sched_getparam(0, &before)) {
		u->policy = -1;
		return;
	}
	u->priority = before.sched_priority;
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &now))
		u->policy = -1;
}

void urgent_end(const struct urgent *u)
{
	struct sched_param before = {.sched_priority = u->priority};

	if (u->policy >= 0)
		sched_setscheduler(0, u->policy, &before);
}
