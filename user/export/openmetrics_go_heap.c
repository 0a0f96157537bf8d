/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live heap of Go programs by call site, as a whole: what the sites explain, where that comes from, and how sure it is. What one source
 * alone knows has no sample where the other one is used.
 */
#include <inttypes.h>
#include "openmetrics_private.h"

#define PROFILE (1u << GO_HEAP_PROFILE)
#define SAMPLES (1u << GO_HEAP_SAMPLES)

struct heap_family {
	struct family family;
	uint32_t sources;
	uint64_t (*value)(const struct snapshot_process *p);
};

static uint64_t live_bytes(const struct snapshot_process *p)
{
	return p->go_heap.source == GO_HEAP_SAMPLES ? p->go_live.bytes : p->go_heap.live_bytes;
}

static uint64_t live_count(const struct snapshot_process *p)
{
	return p->go_heap.source == GO_HEAP_SAMPLES ? p->go_live.count : p->go_heap.live_count;
}

static uint64_t before_bytes(const struct snapshot_process *p)
{
	return p->before.bytes;
}

#define MEMBER(member)                                                                             \
	static uint64_t member(const struct snapshot_process *p)                                   \
	{                                                                                          \
		return p->go_heap.member;                                                          \
	}
MEMBER(fresh_bytes)
MEMBER(rate)
MEMBER(samples)
MEMBER(uncertain)
MEMBER(missed_cycles)
MEMBER(thinned_bytes)
#undef MEMBER

/* clang-format off */
static const struct heap_family families[] = {
	{{"tracer_go_heap_live_bytes", GAUGE, "bytes", "Live bytes of the Go heap that call sites explain, as of a past collection."},
	 PROFILE | SAMPLES, live_bytes},
	{{"tracer_go_heap_live_objects", GAUGE, NULL, "Objects that these are."}, PROFILE | SAMPLES, live_count},
	{{"tracer_go_heap_fresh_bytes", GAUGE, "bytes", "Allocated since that collection, freed or not, by the runtime's profile."},
	 PROFILE, fresh_bytes},
	{{"tracer_go_heap_before_bytes", GAUGE, "bytes", "Of what was allocated, what was there before tracing began."},
	 PROFILE, before_bytes},
	{{"tracer_go_heap_profile_rate_bytes", GAUGE, "bytes", "MemProfileRate: the profile has one sample for so many bytes."},
	 PROFILE, rate},
	{{"tracer_go_heap_samples", GAUGE, NULL, "Samples that live."}, SAMPLES, samples},
	{{"tracer_go_heap_uncertain_samples", GAUGE, NULL, "Of them, those in whose place another object may be by now."},
	 SAMPLES, uncertain},
	{{"tracer_go_heap_missed_cycles", COUNTER, NULL, "Collections that ended before all samples were asked for."},
	 SAMPLES, missed_cycles},
	{{"tracer_go_heap_thinned_bytes", GAUGE, "bytes", "Only one object for so many bytes is drawn; 0: one for each span."},
	 SAMPLES, thinned_bytes},
};
/* clang-format on */

static bool is_shown(const struct snapshot_process *p, uint32_t sources)
{
	return !p->exited && p->go_heap.source < 32 && (sources >> p->go_heap.source) & 1;
}

static void add_heap_family(struct page *p, const struct heap_family *f, const struct snapshot *s)
{
	size_t i;

	openmetrics_add_family(p, &f->family);
	for (i = 0; i < s->process_count; i++) {
		const struct snapshot_process *process = &s->processes[i];

		if (!is_shown(process, f->sources))
			continue;
		buffer_printf(p->out, "%s%s", f->family.name,
			      f->family.type == COUNTER ? "_total" : "");
		openmetrics_add_process_labels(p, process);
		buffer_printf(p->out, "} %" PRIu64 "\n", f->value(process));
	}
}

void openmetrics_add_go_heap(struct page *p, const struct snapshot *s)
{
	bool any = false;
	size_t i;

	for (i = 0; i < s->process_count; i++)
		any |= is_shown(&s->processes[i], PROFILE | SAMPLES);
	for (i = 0; any && i < sizeof(families) / sizeof(families[0]); i++)
		add_heap_family(p, &families[i], s);
}
