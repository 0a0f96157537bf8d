// SPDX-License-Identifier: GPL-2.0-or-later
/* From the options to the stages that events go through, opened in the order in which they need each other. */
#include "stages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/growth.h"
#include "base/log.h"
#include "consumer.h"
#include "go_sampler.h"
#include "outputs.h"
#include "preflight.h"
#include "probe/loader.h"
#include "symbol/names.h"
#include "target/go_builds.h"

/* Known stacks are read where they lie, unless TRACER_COPY_STACKS says no (for benches and tests). */
static void set_direct_map(struct config *config)
{
	struct direct_map map;
	int err;

	if (!config->unwind_tables || getenv("TRACER_COPY_STACKS"))
		return;
	err = features_direct_map(&map);
	if (err) {
		log_verbose("each stack is copied: memory cannot be read where it lies (%s)",
			    strerror(-err));
		return;
	}
	log_verbose("known stacks are compared where they lie, by page tables of %u levels",
		    map.levels);
	config->direct_base = map.base;
	config->direct_end = map.end;
	config->direct_levels = map.levels;
}

/* For benches and tests: stacks by tables, by the kernel's frame-pointer walker, or none. */
static bool set_stacks(struct config *config)
{
	const char *how = getenv("TRACER_STACKS");

	config->unwind_tables = !how || !strcmp(how, "tables");
	config->no_stacks = how && !strcmp(how, "none");
	config->no_memo = getenv("TRACER_NO_MEMO") != NULL;
	set_direct_map(config);
	if (config->unwind_tables || config->no_stacks || !strcmp(how, "pointers"))
		return true;
	log_error("cannot use '%s' for TRACER_STACKS: it is none of tables, pointers, none", how);
	return false;
}

static struct loader *load(const struct options *o)
{
	struct features f;
	enum probe_method method = preflight_method(o, &f);
	struct loader_options lo = {
		.config = {.min_bytes = o->min_bytes,
			   .max_bytes = o->max_bytes ? o->max_bytes : UINT64_MAX,
			   .sample_bytes = o->sample_bytes,
			   .follow = options_follow(o),
			   .ranges = o->mmap,
			   .vfork_blind = !f.methods[method].sees_vfork},
		.method = method,
	};
	/* for tests, which force losses with them */
	const char *rings = getenv("TRACER_RING_BYTES");

	if (!lo.method || !set_stacks(&lo.config))
		return NULL;
	if (o->name)
		snprintf(lo.config.name, sizeof(lo.config.name), "%s", o->name);
	if (rings)
		lo.ring_total_bytes = strtoull(rings, NULL, 10);
	lo.no_scratch = getenv("TRACER_NO_SCRATCH") != NULL;
	return loader_open(&lo);
}

static bool add_skips(struct names *names, const struct options *o)
{
	const char *error;
	size_t i;

	for (i = 0; i < o->skip_count; i++) {
		if (!names_add_skip(names, o->skips[i], &error)) {
			log_error("cannot use '%s' for --skip: %s", o->skips[i], error);
			return false;
		}
	}
	return true;
}

static bool open_unwind(struct tracker *t)
{
	if (!loader_unwinds(t->loader))
		return true;
	t->unwind = unwind_tables_open(t->loader);
	if (!t->unwind)
		log_error("cannot make unwind tables: %s: see tracer --check", strerror(errno));
	return t->unwind != NULL;
}

bool stages_open_heap(struct stages *s, const struct options *o)
{
	struct tracker *t = &s->tracker;
	struct heap_options ho = {.generation_ns = (uint64_t)(o->leak_interval_s * 1e9),
				  .elder_ns = (uint64_t)(growth_elder_s(o->leak_window_s) * 1e9),
				  .sample_bytes = o->sample_bytes,
				  .filtered = options_filter(o)};
	struct growth_options go = {.window_s = o->leak_window_s,
				    .interval_s = o->leak_interval_s,
				    .threshold = o->leak_threshold};

	t->heap = heap_new(&ho);
	t->names = names_new();
	s->growth = growth_new(&go);
	if (!t->heap || !t->names || !s->growth) {
		log_error("cannot begin: out of memory");
		return false;
	}
	return add_skips(t->names, o);
}

bool stages_open(struct stages *s, const struct options *o)
{
	struct tracker *t = &s->tracker;

	t->discover = (struct discover_options){.objects = (const char *const *)o->objects,
						.object_count = o->object_count,
						.ranges = o->mmap};
	t->go_builds = t->discover.go_builds = go_builds_new();
	t->follow = options_follow(o);
	t->go_enable_profile = o->go_enable_profile;
	s->watch = watch_open(o);
	if (!s->watch || !stages_open_heap(s, o))
		return false;
	s->outputs = outputs_open(o, t, &s->windows, s->growth);
	if (!s->outputs)
		return false;
	if (o->write && !(s->recording = recording_open(o)))
		return false;
	outputs_record(s->outputs, s->recording);
	t->loader = load(o);
	if (!t->loader)
		return false;
	overhead_init(&s->overhead, t, loader_method(t->loader));
	windows_init(&s->windows, t, &s->overhead, o->max_overhead);
	if (log_level() >= LOG_VERBOSE)
		t->stall = stall_open(t->loader);
	if (!open_unwind(t))
		return false;
	t->go_sampler = go_sampler_new(t->loader, t->go_builds);
	t->consumer =
		consumer_start(t->loader, t->heap, recording_record(s->recording), t->go_sampler);
	return t->consumer != NULL;
}

bool stages_end_recording(struct stages *s)
{
	struct tracker *t = &s->tracker;
	bool good;

	if (!s->recording)
		return true;
	consumer_lock(t->consumer);
	consumer_feed(t->consumer)->record = NULL;
	consumer_unlock(t->consumer);
	outputs_record(s->outputs, NULL);
	good = recording_close(s->recording, t);
	s->recording = NULL;
	return good;
}

bool stages_close(struct stages *s)
{
	struct tracker *t = &s->tracker;
	bool good;

	go_pool_watch_done(&s->go_pools);
	windows_done(&s->windows);
	overhead_done(&s->overhead);
	tracker_done(t);
	consumer_stop(t->consumer);
	go_sampler_free(t->go_sampler);
	unwind_tables_close(t->unwind);
	stall_close(t->stall);
	loader_close(t->loader);
	good = recording_close(s->recording, t);
	good &= outputs_close(s->outputs);
	watch_close(s->watch);
	growth_free(s->growth);
	names_free(t->names);
	go_builds_free(t->go_builds);
	heap_free(t->heap);
	return good;
}
