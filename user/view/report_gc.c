/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report_gc.h"

#include <inttypes.h>
#include <math.h>
#include "../base/clock.h"
#include "../base/units.h"

static void add_cycles(struct buffer *out, const struct snapshot_process *p)
{
	const struct go_gc *g = &p->go_gc;
	char text[16];

	buffer_printf(out, "%" PRIu64 " collections since tracing began", g->cycles);
	if (isfinite(g->cycles_per_s))
		buffer_printf(out, ", %.3g a second", g->cycles_per_s);
	if (isfinite(g->alloc_bytes_per_s))
		buffer_printf(out, "; %s allocated a second",
			      units_bytes((uint64_t)g->alloc_bytes_per_s, text, sizeof(text)));
	if (isfinite(g->window_s))
		buffer_printf(out, " (by %" PRIu64 " collections in %.3g s)", g->window_cycles,
			      g->window_s);
	buffer_printf(out, "; GOMAXPROCS %" PRIu32, g->processors);
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void add_pauses(struct buffer *out, const struct snapshot_process *p)
{
	const struct go_gc *g = &p->go_gc;
	const struct go_pauses *r = &g->ring;
	const struct go_traced_pauses *t = &g->traced;

	if (r->max_ns == UINT64_MAX)
		return;
	buffer_printf(out,
		      "pauses of the last %" PRIu32
		      " collections: p50 %.3f ms, p90 %.3f, p99 %.3f, "
		      "longest %.3f",
		      p->go.num_gc < GO_PAUSES ? p->go.num_gc : GO_PAUSES, ms(r->p50_ns),
		      ms(r->p90_ns), ms(r->p99_ns), ms(r->max_ns));
	if (t->count)
		buffer_printf(out,
			      "; of %" PRIu64 " while traced: p50 %.3f ms, p90 %.3f, p99 %.3f, "
			      "longest %.3f",
			      t->count, ms(t->p50_ns), ms(t->p90_ns), ms(t->p99_ns), ms(t->max_ns));
	if (g->missed_pauses)
		buffer_printf(out,
			      "; %" PRIu64 " more came too fast: the runtime had overwritten them",
			      g->missed_pauses);
}

static void add_live(struct buffer *out, const struct snapshot_process *p)
{
	const struct go_gc *g = &p->go_gc;
	char slope[16], low[16], high[16], cycle[16];

	if (!isfinite(g->live_slope)) {
		buffer_printf(out,
			      "live heap: not known whether it grows, after %" PRIu32
			      " collections (%d are needed)",
			      g->point_count, GO_GC_POINTS_LEAST);
		return;
	}
	buffer_printf(out, "live heap %s: %s a second (%s to %s), %s a collection",
		      g->live_grows ? "grows" : "does not surely grow",
		      units_signed_bytes(g->live_slope, slope, sizeof(slope)),
		      units_signed_bytes(g->live_low, low, sizeof(low)),
		      units_signed_bytes(g->live_high, high, sizeof(high)),
		      units_signed_bytes(g->live_per_cycle, cycle, sizeof(cycle)));
}

static double seconds(uint64_t ns)
{
	return (double)ns / NS_PER_S;
}

static void add_cpu(struct buffer *out, const struct snapshot_process *p)
{
	const struct go_gc *g = &p->go_gc;
	const uint64_t *cpu = g->cpu_ns;

	if (isfinite(g->gc_share))
		buffer_printf(out, "the collector takes %.2f%% of what GOMAXPROCS gives",
			      100 * g->gc_share);
	else
		buffer_add_string(out, "what the collector takes now is not known yet");
	if (cpu[GO_CPU_OF_ALL] == UINT64_MAX) {
		buffer_add_string(out, "; how much of it are assists this version of Go does not "
				       "keep (1.20 and later do)");
		return;
	}
	if (isfinite(g->assist_share))
		buffer_printf(out, ", assists %.2f%%", 100 * g->assist_share);
	buffer_printf(
		out,
		"; since its start: assists %.2f s, dedicated workers %.2f, pauses %.2f, idle "
		"workers %.2f, scavenger %.2f (assists %.2f)",
		seconds(cpu[GO_CPU_OF_ASSIST]), seconds(cpu[GO_CPU_OF_DEDICATED]),
		seconds(cpu[GO_CPU_OF_PAUSE]), seconds(cpu[GO_CPU_OF_GC_IDLE]),
		seconds(cpu[GO_CPU_OF_SCAVENGE]), seconds(cpu[GO_CPU_OF_SCAVENGE_ASSIST]));
}

report_gc_line *const report_gc_lines[REPORT_GC_LINES] = {
	[REPORT_GC_CYCLES] = add_cycles,
	[REPORT_GC_PAUSES] = add_pauses,
	[REPORT_GC_LIVE] = add_live,
	[REPORT_GC_CPU] = add_cpu,
};
