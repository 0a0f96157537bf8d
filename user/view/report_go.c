/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report_go.h"

#include <inttypes.h>
#include "../base/units.h"
#include "report_gc.h"

static void add_process(struct buffer *out, const struct snapshot_process *p)
{
	buffer_printf(out, "\t(%" PRIu32 " ", p->pid);
	buffer_add_clean(out, p->comm);
	buffer_add_string(out, ": ");
}

void report_add_go_only(struct buffer *out, const struct snapshot_process *p)
{
	char rate[16];

	add_process(out, p);
	buffer_add_string(out, "a Go program without a C allocator: ");
	if (p->go_heap.source == GO_HEAP_PROFILE)
		buffer_printf(out,
			      "call sites are those of the Go runtime's own profile, one sample "
			      "per %s)\n",
			      units_bytes(p->go_heap.rate, rate, sizeof(rate)));
	else if (p->go_heap.source == GO_HEAP_SAMPLES)
		buffer_printf(out,
			      "call sites are of objects drawn where its runtime allocates%s)\n",
			      p->attached && p->notable_first
				      ? "; its heap from before the attach is not shown"
				      : "");
	else
		buffer_add_string(out, "only the Go runtime's own figures are shown)\n");
}

static void add_limits(struct buffer *out, const struct go_figures *g)
{
	char text[16];

	if (g->gogc < 0)
		buffer_add_string(out, "GOGC off");
	else
		buffer_printf(out, "GOGC %" PRId64, g->gogc);
	if (g->memory_limit == INT64_MAX)
		buffer_add_string(out, ", no GOMEMLIMIT");
	else
		buffer_printf(out, ", GOMEMLIMIT %s",
			      units_bytes((uint64_t)g->memory_limit, text, sizeof(text)));
}

void report_go_heap(struct buffer *out, const struct go_figures *g)
{
	char alloc[16], objects[16], marked[16], next[16], sys[16], stacks[16];

	buffer_printf(out,
		      "Go heap %s in %s objects, %s live after the last collection, next at %s; "
		      "stacks %s; "
		      "%s from the system; %" PRIu64 " goroutines",
		      units_bytes(g->heap_alloc, alloc, sizeof(alloc)),
		      units_count(g->heap_objects, objects, sizeof(objects)),
		      units_bytes(g->heap_marked, marked, sizeof(marked)),
		      units_bytes(g->next_gc, next, sizeof(next)),
		      units_bytes(g->stack_inuse, stacks, sizeof(stacks)),
		      units_bytes(g->sys, sys, sizeof(sys)), g->goroutines);
}

void report_go_share(struct buffer *out, const struct go_figures *g)
{
	char alloc[16], inuse[16], stacks[16], kept[16], all[16];

	buffer_printf(out,
		      "HeapAlloc %s of HeapInuse %s, stacks %s, kept free %s (Sys - HeapReleased, "
		      "with tables that are not all used: %s)",
		      units_bytes(g->heap_alloc, alloc, sizeof(alloc)),
		      units_bytes(g->heap_inuse, inuse, sizeof(inuse)),
		      units_bytes(g->stack_inuse, stacks, sizeof(stacks)),
		      units_bytes(g->heap_idle - g->heap_released, kept, sizeof(kept)),
		      units_bytes(g->sys - g->heap_released, all, sizeof(all)));
}

uint64_t report_go_c_blocks(const struct snapshot_process *p)
{
	uint64_t all = p->totals.outstanding_count, go = p->go_heap.live_count;

	return all > go ? all - go : 0;
}

/* The heaps of both sides in one line, as parts of the resident memory. */
static void add_sides(struct buffer *out, const struct snapshot_process *p)
{
	const struct beside *b = &p->beside;
	char text[16];

	if (!b->known)
		return;
	add_process(out, p);
	buffer_printf(out,
		      "Go heap %s: ", units_bytes(b->parts[BESIDE_GO].now, text, sizeof(text)));
	report_go_share(out, &p->go);
	if (!p->go_only)
		buffer_printf(out, "; C heap %s outstanding in %" PRIu64 " blocks",
			      units_bytes(b->parts[BESIDE_HEAP].now, text, sizeof(text)),
			      report_go_c_blocks(p));
	buffer_printf(out, "; other %s", units_bytes(beside_other(b), text, sizeof(text)));
	buffer_printf(out, " of RSS %s)\n", units_bytes(b->now.rss, text, sizeof(text)));
}

void report_go_collector(struct buffer *out, const struct go_figures *g)
{
	buffer_printf(out,
		      "%" PRIu32 " collections, %.2f%% of the processor time; pauses: last %.3f "
		      "ms, median %.3f, longest of the last 256 %.3f; ",
		      g->num_gc, g->gc_cpu_fraction * 100, (double)g->last_pause_ns / 1e6,
		      (double)g->median_pause_ns / 1e6, (double)g->max_pause_ns / 1e6);
	add_limits(out, g);
	if (!g->consistent)
		buffer_add_string(out, "; it changed while it was read: not all of one moment");
}

static void add_collector(struct buffer *out, const struct snapshot_process *p)
{
	struct buffer line = {0};
	int i;

	for (i = 0; p->go_gc.known && i < REPORT_GC_LINES; i++) {
		buffer_reset(&line);
		buffer_add(&line, "", 0);
		report_gc_lines[i](&line, p);
		if (!line.length)
			continue;
		add_process(out, p);
		buffer_add(out, line.data, line.length);
		buffer_add_string(out, ")\n");
	}
	buffer_done(&line);
}

void report_add_go_advice(struct buffer *out, const struct snapshot_process *p)
{
	if (p->go_advice.state == GO_ADVICE_NONE)
		return;
	add_process(out, p);
	go_advice_text(out, &p->go_advice);
	buffer_add_string(out, ")\n");
}

void report_go_profile(struct buffer *out, const struct snapshot_process *p)
{
	const struct go_heap_facts *g = &p->go_heap;
	char live[16], count[16], fresh[16], before[16];

	buffer_printf(out,
		      "By its profile %s live in %s objects %s, %s allocated since, freed or not; "
		      "%s from "
		      "before tracing began",
		      units_bytes(g->live_bytes, live, sizeof(live)),
		      units_count(g->live_count, count, sizeof(count)),
		      g->early ? "(nothing is published yet: all counts)"
			       : "as of a past collection",
		      units_bytes(g->fresh_bytes, fresh, sizeof(fresh)),
		      units_bytes(p->before.bytes, before, sizeof(before)));
	if (g->enabled)
		buffer_add_string(out, "; switched on by --go-enable-profile");
	if (g->bad || g->left_out)
		buffer_printf(out,
			      "; %" PRIu64 " of its records make no sense, %" PRIu64
			      " are too many: left out",
			      g->bad, g->left_out);
}

/* What the call sites are of: without that nobody knows what they leave out. */
void report_go_samples(struct buffer *out, const struct snapshot_process *p)
{
	const struct go_heap_facts *g = &p->go_heap;
	char bytes[16], alloc[16], mean[16];

	buffer_printf(out,
		      "The call sites of its Go heap explain %s of %s, by %" PRIu64
		      " samples as of the last collection",
		      units_bytes(p->go_live.bytes, bytes, sizeof(bytes)),
		      units_bytes(p->go.heap_alloc, alloc, sizeof(alloc)), g->samples);
	if (g->uncertain)
		buffer_printf(out,
			      ", %" PRIu64 " of them uncertain (%" PRIu64
			      " collections were missed)",
			      g->uncertain, g->missed_cycles);
	if (g->thinned_bytes)
		buffer_printf(out, ", thinned to one per %s",
			      units_bytes(g->thinned_bytes, mean, sizeof(mean)));
}

/* Of its runtime's own figures: they may be unknown once, when they change faster than they are read. */
static void add_runtime(struct buffer *out, const struct snapshot_process *p)
{
	add_process(out, p);
	report_go_heap(out, &p->go);
	buffer_add_string(out, ")\n");
	add_process(out, p);
	report_go_collector(out, &p->go);
	buffer_add_string(out, ")\n");
	add_collector(out, p);
	add_sides(out, p);
}

void report_add_go(struct buffer *out, const struct snapshot_process *p, bool verbose)
{
	bool sampled = p->go_heap.source == GO_HEAP_SAMPLES;
	bool shown = verbose || p->go_only || sampled;

	if (p->go.known && sampled) {
		add_process(out, p);
		report_go_samples(out, p);
		buffer_add_string(out, ")\n");
	}
	if (p->go.known && shown)
		add_runtime(out, p);
	if (!shown || p->go_heap.source != GO_HEAP_PROFILE)
		return;
	add_process(out, p);
	report_go_profile(out, p);
	buffer_add_string(out, ")\n");
}
