/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The collector: names are those of Prometheus' own collector for Go (client_golang, with the metrics of runtime/metrics) where it has
 * them. Its summary of pauses has these five quantiles, of the last 256.
 */
#include <inttypes.h>
#include <math.h>
#include "openmetrics_private.h"

#define PAUSES "go_gc_duration_seconds"

struct cpu_family {
	struct family family;
	enum go_cpu kind;
};

struct measure_family {
	struct family family;
	size_t offset;
};

#define GC(member) offsetof(struct go_gc, member)
#define CPU(name)  "go_cpu_classes_" name "_cpu_seconds", COUNTER, "seconds"

/* clang-format off */
static const struct cpu_family cpu_families[] = {
	{{CPU("gc_mark_assist"), "Processor time of goroutines that helped the collector."}, GO_CPU_OF_ASSIST},
	{{CPU("gc_mark_dedicated"), "Processor time of the collector's own workers."}, GO_CPU_OF_DEDICATED},
	{{CPU("gc_mark_idle"), "Processor time of the collector where there was nothing else to do."}, GO_CPU_OF_GC_IDLE},
	{{CPU("gc_pause"), "Processor time of all processors in pauses of the collector."}, GO_CPU_OF_PAUSE},
	{{CPU("gc_total"), "Processor time of the collector."}, GO_CPU_OF_GC},
	{{CPU("scavenge_assist"), "Processor time of goroutines that had to give memory back."}, GO_CPU_OF_SCAVENGE_ASSIST},
	{{CPU("scavenge_background"), "Processor time of giving memory back in the background."},
	 GO_CPU_OF_SCAVENGE_BACKGROUND},
	{{CPU("scavenge_total"), "Processor time of giving memory back."}, GO_CPU_OF_SCAVENGE},
	{{CPU("idle"), "Processor time that was not used."}, GO_CPU_OF_IDLE},
	{{CPU("user"), "Processor time of the program's own code."}, GO_CPU_OF_USER},
	{{CPU("total"), "Processor time that GOMAXPROCS gives."}, GO_CPU_OF_ALL},
};

static const struct measure_family measure_families[] = {
	{{"tracer_go_gc_cycles_per_second", GAUGE, NULL, "Collections a second over the leak window."}, GC(cycles_per_s)},
	{{"tracer_go_alloc_bytes_per_second", GAUGE, NULL, "Bytes allocated a second over the leak window."},
	 GC(alloc_bytes_per_s)},
	{{"tracer_go_gc_cpu_share_ratio", GAUGE, "ratio",
	  "Part of what GOMAXPROCS gives that the collector takes, over the leak window."}, GC(gc_share)},
	{{"tracer_go_live_heap_growth_bytes_per_second", GAUGE, NULL,
	  "Growth of what is live after each collection, over the leak window."}, GC(live_slope)},
};

static const struct family pauses = {PAUSES, SUMMARY, "seconds", "Pauses of collections."};
static const struct family missed = {"tracer_go_missed_pauses", COUNTER, NULL,
				     "Pauses that the runtime had overwritten before they were read."};
static const struct family grows = {"tracer_go_live_heap_grows", GAUGE, NULL,
				    "1: what is live after each collection grows, surely."};
static const struct family threads = {"go_sched_gomaxprocs_threads", GAUGE, NULL, "GOMAXPROCS in force."};
/* clang-format on */

static void begin_sample(struct page *p, const char *name, const char *end,
			 const struct snapshot_process *process)
{
	buffer_printf(p->out, "%s%s", name, end);
	openmetrics_add_process_labels(p, process);
}

static void add_quantile(struct page *p, const struct snapshot_process *process,
			 const char *quantile, uint64_t ns)
{
	if (ns == UINT64_MAX)
		return;
	begin_sample(p, PAUSES, "", process);
	buffer_printf(p->out, ",quantile=\"%s\"} %.9f\n", quantile, (double)ns * 1e-9);
}

static void add_pauses(struct page *p, const struct snapshot_process *process)
{
	const struct go_pauses *r = &process->go_gc.ring;

	add_quantile(p, process, "0", r->min_ns);
	add_quantile(p, process, "0.25", r->p25_ns);
	add_quantile(p, process, "0.5", r->p50_ns);
	add_quantile(p, process, "0.75", r->p75_ns);
	add_quantile(p, process, "1", r->max_ns);
	begin_sample(p, PAUSES, "_sum", process);
	buffer_printf(p->out, "} %.9f\n", (double)process->go.pause_total_ns * 1e-9);
	begin_sample(p, PAUSES, "_count", process);
	buffer_printf(p->out, "} %" PRIu32 "\n", process->go.num_gc);
}

static void add_missed(struct page *p, const struct snapshot_process *process)
{
	begin_sample(p, missed.name, "_total", process);
	buffer_printf(p->out, "} %" PRIu64 "\n", process->go_gc.missed_pauses);
}

static void add_grows(struct page *p, const struct snapshot_process *process)
{
	begin_sample(p, grows.name, "", process);
	buffer_printf(p->out, "} %d\n", process->go_gc.live_grows);
}

static void add_threads(struct page *p, const struct snapshot_process *process)
{
	begin_sample(p, threads.name, "", process);
	buffer_printf(p->out, "} %" PRIu32 "\n", process->go_gc.processors);
}

static bool is_shown(const struct snapshot_process *p)
{
	return p->go.known && p->go_gc.known && !p->exited;
}

static void add_each(struct page *p, const struct snapshot *s, const struct family *f,
		     void (*add)(struct page *p, const struct snapshot_process *process))
{
	size_t i;

	openmetrics_add_family(p, f);
	for (i = 0; i < s->process_count; i++) {
		if (is_shown(&s->processes[i]))
			add(p, &s->processes[i]);
	}
}

static void add_cpu(struct page *p, const struct snapshot *s, const struct cpu_family *f)
{
	size_t i;

	openmetrics_add_family(p, &f->family);
	for (i = 0; i < s->process_count; i++) {
		const struct snapshot_process *process = &s->processes[i];
		uint64_t ns = process->go_gc.cpu_ns[f->kind];

		if (!is_shown(process) || ns == UINT64_MAX)
			continue;
		begin_sample(p, f->family.name, "_total", process);
		buffer_printf(p->out, "} %.9f\n", (double)ns * 1e-9);
	}
}

static void add_measure(struct page *p, const struct snapshot *s, const struct measure_family *f)
{
	size_t i;

	openmetrics_add_family(p, &f->family);
	for (i = 0; i < s->process_count; i++) {
		const struct snapshot_process *process = &s->processes[i];
		double value =
			*(const double *)(const void *)((const char *)&process->go_gc + f->offset);

		if (!is_shown(process) || !isfinite(value))
			continue;
		begin_sample(p, f->family.name, "", process);
		buffer_add_char(p->out, '}');
		openmetrics_add_number(p, value);
	}
}

void openmetrics_add_go_gc(struct page *p, const struct snapshot *s)
{
	bool any = false;
	size_t i;

	for (i = 0; i < s->process_count; i++)
		any |= is_shown(&s->processes[i]);
	if (!any)
		return;
	add_each(p, s, &pauses, add_pauses);
	add_each(p, s, &missed, add_missed);
	add_each(p, s, &grows, add_grows);
	add_each(p, s, &threads, add_threads);
	for (i = 0; i < sizeof(cpu_families) / sizeof(cpu_families[0]); i++)
		add_cpu(p, s, &cpu_families[i]);
	for (i = 0; i < sizeof(measure_families) / sizeof(measure_families[0]); i++)
		add_measure(p, s, &measure_families[i]);
}
