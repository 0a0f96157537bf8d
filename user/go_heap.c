/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The profile that a runtime keeps of itself costs nothing more, so it is used where it is on. Else, and of a program that has not begun
 * and cannot say it yet, the heap is sampled where it allocates, which works with any program.
 */
#include "go_heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "probe/places.h"
#include "target/go_profile.h"
#include "tracker.h"

static bool has_go(const struct targets *targets)
{
	size_t i;

	for (i = 0; i < targets->module_count; i++) {
		if (targets->modules[i].has_go)
			return true;
	}
	return false;
}

/* For tests and benches: samples, also where there is a profile. */
static bool samples_only(void)
{
	const char *how = getenv("TRACER_GO_HEAP");

	return how && !strcmp(how, "samples");
}

bool go_heap_keeps_profile(struct go_process *go)
{
	struct go_profile_figures figures = {0};
	struct go_profile *profile;
	struct go_figures begun;
	bool keeps;

	if (samples_only() || go_read(go, &begun) == -EAGAIN)
		return false;
	profile = go_profile_open(go);
	keeps = !go_profile_read(profile, &figures) && figures.rate;
	go_profile_close(profile);
	return keeps;
}

static bool can_sample(struct tracker *t, const struct tracked *p)
{
	int err = go_sampler_start(t->go_sampler);

	if (err)
		log_warn("process %d (%s): its Go heap cannot be sampled: no thread: %s",
			 (int)p->pid, p->comm, strerror(-err));
	return !err;
}

void go_heap_choose(struct tracker *t, struct tracked *p, struct targets *targets)
{
	if (!has_go(targets) && !targets->go_refused[0])
		return;
	/* after an exec what was known is of the program that was */
	go_facts_open(p);
	if (!has_go(targets))
		return;
	if (!p->go.sampled)
		p->go.sampled = !t->go_enable_profile && p->go.process &&
				!go_heap_keeps_profile(p->go.process) && can_sample(t, p);
	if (!p->go.sampled)
		targets_drop_go(targets);
}

/* Of a program that runs: one that starts may yet map the C library. */
static void say_no_ranges(const struct tracker *t, struct tracked *p, const struct targets *targets)
{
	if (!t->discover.ranges || !p->attached || places_have_allocator(targets, CALL_DRAWN) ||
	    !go_facts_open(p))
		return;
	log_info(
		"process %d (%s): --mmap sees nothing of it: a Go program without C maps memory by "
		"system calls of its own",
		(int)p->pid, p->comm);
}

void go_heap_begin(struct tracker *t, struct tracked *p, const struct targets *targets)
{
	if (p->go.sampled && has_go(targets)) {
		p->go.only = !places_have_allocator(targets, CALL_RANGE | CALL_DRAWN);
		go_sampler_add(t->go_sampler, p->number, p->pid);
		if (!p->go.source_said)
			log_info(
				"process %d (%s): its live heap by call site is drawn where its Go "
				"runtime allocates, as of the last collection",
				(int)p->pid, p->comm);
		p->go.source_said = true;
	}
	if (!p->announced)
		say_no_ranges(t, p, targets);
	if (targets->go_refused[0] && !p->go.refusal_said)
		log_warn("process %d (%s): its Go heap cannot be sampled: unsupported build: %s",
			 (int)p->pid, p->comm, targets->go_refused);
	p->go.refusal_said |= targets->go_refused[0] != '\0';
}
