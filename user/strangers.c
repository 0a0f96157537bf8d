// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel side tells of each child that is not followed (EVENT_STRANGER). It waits here until it
 * would have called exec, then its memory is looked at; where breakpoints stand, its parent's places
 * are swept (attachment_sweep), which frees all children at once.
 */
#include "strangers.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "tracker.h"

/* Most children exec at once, and then nothing is left of the breakpoints. */
#define WAIT_NS	  (50 * NS_PER_MS)
#define MAX_TRIES 3
/* A sweep stops nobody, but every process that maps the library is looked at. */
#define SWEEP_SHARE 10

void strangers_done(struct strangers *s)
{
	free(s->v);
	*s = (struct strangers){0};
}

void strangers_add(struct strangers *s, const struct notice *n)
{
	s->v = xrealloc(s->v, (s->count + 1) * sizeof(*s->v));
	s->v[s->count++] = (struct stranger){
		.pid = (pid_t)n->pid, .parent = n->process, .due_ns = n->time_ns + WAIT_NS};
}

/* Those that are due and still marked stay in the list (until the last try), and their parents are
 * marked to be swept. Returns true when there is someone. */
static bool look(struct tracker *t, uint64_t now_ns)
{
	struct strangers *all = &t->strangers;
	size_t i, kept = 0;
	bool found = false;

	for (i = 0; i < all->count; i++) {
		struct stranger s = all->v[i];
		struct tracked *p = tracker_find_number(t, s.parent);

		if (s.due_ns <= now_ns) {
			/* when the parent ends, its links go and take all breakpoints with them */
			if (!p || p->ended || s.tries++ == MAX_TRIES ||
			    !attachment_marks(p->attachment, s.pid))
				continue;
			p->sweep = found = true;
		}
		all->v[kept++] = s;
	}
	all->count = kept;
	return found;
}

static void sweep_marked(struct tracker *t)
{
	struct tracked *p;

	stall_update_begin(t->stall);
	for (p = t->first; p; p = p->next) {
		if (p->sweep && !p->ended)
			attachment_sweep(p->attachment);
		p->sweep = false;
	}
	stall_update_end(t->stall);
}

uint64_t strangers_sweep(struct tracker *t, uint64_t now_ns)
{
	struct strangers *s = &t->strangers;
	uint64_t next = UINT64_MAX, begun = clock_monotonic_ns();
	size_t i;

	if (now_ns >= s->sweep_after_ns && s->count && look(t, now_ns)) {
		sweep_marked(t);
		now_ns = clock_monotonic_ns();
		s->sweep_after_ns = now_ns + (now_ns - begun) * SWEEP_SHARE;
		log_verbose("children that are not followed were freed of breakpoints in %.1f ms",
			    (double)(now_ns - begun) / 1e6);
	}
	for (i = 0; i < s->count; i++) {
		if (s->v[i].due_ns < next)
			next = s->v[i].due_ns;
	}
	return next == UINT64_MAX || next > s->sweep_after_ns ? next : s->sweep_after_ns;
}
