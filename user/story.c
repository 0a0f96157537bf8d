// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Facts are made of the options as they are meant, not of the command line as it was typed: a command's arguments may be
 * nobody's business, and pages are handed on.
 */
#include "story.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/units.h"
#include "base/xalloc.h"
#include "probe/loader.h"

void story_init(struct story *s, const struct options *options, struct tracker *tracker)
{
	*s = (struct story){.options = options, .tracker = tracker};
	s->extra = (struct html_extra){.series = &s->series, .facts = s->facts};
}

static void forget_facts(struct story *s)
{
	size_t i;

	for (i = 0; i < s->extra.fact_count; i++)
		free(s->facts[i].value);
	s->extra.fact_count = 0;
}

void story_done(struct story *s)
{
	html_series_done(&s->series);
	free(s->spreads);
	forget_facts(s);
}

void story_add(struct story *s, const struct snapshot *snapshot)
{
	html_series_add(&s->series, snapshot);
}

/* ---- facts ---- */

/* Takes the value. */
static void add(struct story *s, const char *name, char *value)
{
	if (s->extra.fact_count == STORY_FACTS_MAX)
		free(value);
	else
		s->facts[s->extra.fact_count++] = (struct html_fact){name, value};
}

static void add_kernel(struct story *s)
{
	struct utsname u;

	if (uname(&u) == 0)
		add(s, "Kernel", xasprintf("%s %s %s", u.sysname, u.release, u.machine));
	add(s, "Processors", xasprintf("%ld", sysconf(_SC_NPROCESSORS_ONLN)));
}

static char *attached_by(const struct loader *loader)
{
	switch (loader_method(loader)) {
	case PROBE_SESSION: return xstrdup("uprobe sessions");
	case PROBE_MULTI: return xstrdup("uprobe multi links");
	case PROBE_PERF: return xstrdup("perf events");
	}
	return xstrdup("unknown");
}

static char *sizes(const struct options *o)
{
	char least[16], most[16];

	if (!options_filter(o))
		return xstrdup("all");
	units_bytes(o->min_bytes, least, sizeof(least));
	if (o->max_bytes == UINT64_MAX)
		return xasprintf("%s and more", least);
	return xasprintf("%s to %s", least, units_bytes(o->max_bytes, most, sizeof(most)));
}

static char *targets(const struct options *o)
{
	if (o->command)
		return xasprintf("the command %s", o->command[0]);
	if (o->name)
		return xasprintf("every process called %s", o->name);
	return xstrdup("running processes, by their ids");
}

static char *skips(const struct options *o)
{
	struct buffer list = {0};
	size_t i;

	buffer_add_string(&list, "allocators and libraries of languages");
	for (i = 0; i < o->skip_count; i++)
		buffer_printf(&list, ", %s", o->skips[i]);
	return list.data;
}

static void add_facts(struct story *s)
{
	const struct options *o = s->options;
	char mean[16];

	if (s->tracker->loader) {
		add(s, "Traced", targets(o));
		add(s, "Children", xstrdup(options_follow(o) ? "followed" : "not followed"));
		add_kernel(s);
		add(s, "Attached by", attached_by(s->tracker->loader));
	} else {
		add(s, "Traced", xstrdup("before, this is from a recording"));
	}
	add(s, "Sizes recorded", sizes(o));
	add(s, "Sampling",
	    o->sample_bytes ? xasprintf("one allocation per %s on average",
					units_bytes(o->sample_bytes, mean, sizeof(mean)))
			    : xstrdup("none: every allocation"));
	add(s, "Mapped ranges", xstrdup(o->mmap ? "traced" : "not traced"));
	if (o->max_overhead > 0)
		add(s, "Limit of the cost",
		    xasprintf("%g%% of the processor time", o->max_overhead));
	add(s, "Leak detection",
	    xasprintf("window %gs, step %gs, threshold %g", o->leak_window_s, o->leak_interval_s,
		      o->leak_threshold));
	add(s, "Skipped as functions of a site", skips(o));
}

void story_take(struct story *s, const struct snapshot *snapshot, struct breath *breath)
{
	struct tracker *t = s->tracker;
	struct spread_walk walk = {.snapshot = snapshot, .heap = t->heap};

	free(s->spreads);
	s->spreads = xcalloc(snapshot->process_count + 1, sizeof(*s->spreads));
	s->extra.spreads = walk.spreads = s->spreads;
	consumer_lock(t->consumer);
	while (spread_some(&walk))
		consumer_breathe(t->consumer, breath);
	consumer_unlock(t->consumer);
	forget_facts(s);
	add_facts(s);
}
