/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "summary.h"

#include "base/log.h"
#include "blindness.h"

static size_t stacks_outstanding(const struct snapshot *s, size_t process)
{
	size_t i, n = 0;

	for (i = 0; i < s->site_count; i++) {
		if (s->sites[i].process == process && s->sites[i].totals.outstanding_count)
			n++;
	}
	return n;
}

void summary_say(struct tracker *tracker, const struct snapshot *s)
{
	size_t i;

	for (i = 0; i < s->process_count; i++) {
		const struct snapshot_process *p = &s->processes[i];
		const struct tracked *t = tracker_find_number(tracker, p->number);

		if (t && t->grew_unseen && !t->blind_said)
			blindness_warn(BLIND_ALL, p, t);
	}
	for (i = 0; i < s->process_count; i++) {
		const struct snapshot_process *p = &s->processes[i];

		log_always("%u (%s): %llu events, %llu lost, %llu bytes outstanding in %llu "
			   "allocations from %zu stacks",
			   p->pid, p->comm, (unsigned long long)p->event_count,
			   (unsigned long long)p->lost_events,
			   (unsigned long long)p->totals.outstanding_bytes,
			   (unsigned long long)p->totals.outstanding_count,
			   stacks_outstanding(s, i));
	}
}
