/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prometheus' collector for Go has a gauge go_memstats_alloc_bytes and a counter go_memstats_alloc_bytes_total. In OpenMetrics a counter's
 * family is named without its end, so that both would be one; there the counter is of unknown type, and its sample keeps its name.
 */
#include <inttypes.h>
#include "openmetrics_private.h"

enum kind { OF_U64, OF_U32, OF_S64 };

struct go_family {
	struct family family;
	enum kind kind;
	size_t offset;
	double scale; /* 0: a whole number */
};

#define GO(member) offsetof(struct go_figures, member)

/* clang-format off */
static const struct go_family families[] = {
	{{"go_goroutines", GAUGE, NULL, "Number of goroutines that currently exist."}, OF_U64, GO(goroutines), 0},
	{{"go_gc_gogc_percent", GAUGE, NULL, "Heap size target percentage in force; -1 is off."}, OF_S64, GO(gogc), 0},
	{{"go_gc_gomemlimit_bytes", GAUGE, "bytes", "Memory limit in force."}, OF_S64, GO(memory_limit), 0},
	{{"go_gc_heap_live_bytes", GAUGE, "bytes", "Heap memory that was live when the last collection ended."},
	 OF_U64, GO(heap_marked), 0},
	{{"go_gc_cycles", COUNTER, NULL, "Completed collections."}, OF_U32, GO(num_gc), 0},
	{{"go_gc_forced_cycles", COUNTER, NULL, "Of them, those that the program asked for."}, OF_U32, GO(num_forced_gc), 0},
	{{"go_gc_pause_seconds", COUNTER, "seconds", "Time in pauses of collections."}, OF_U64, GO(pause_total_ns), 1e-9},
	{{"go_memstats_alloc_bytes", GAUGE, "bytes", "Bytes allocated and still in use."}, OF_U64, GO(alloc), 0},
	{{"go_memstats_alloc_bytes_total", UNKNOWN, NULL, "Bytes allocated, even if freed."}, OF_U64, GO(total_alloc), 0},
	{{"go_memstats_sys_bytes", GAUGE, "bytes", "Bytes obtained from the system."}, OF_U64, GO(sys), 0},
	{{"go_memstats_mallocs", COUNTER, NULL, "Heap objects allocated."}, OF_U64, GO(mallocs), 0},
	{{"go_memstats_frees", COUNTER, NULL, "Heap objects freed."}, OF_U64, GO(frees), 0},
	{{"go_memstats_heap_alloc_bytes", GAUGE, "bytes", "Heap bytes allocated and still in use."}, OF_U64, GO(heap_alloc), 0},
	{{"go_memstats_heap_sys_bytes", GAUGE, "bytes", "Heap bytes obtained from the system."}, OF_U64, GO(heap_sys), 0},
	{{"go_memstats_heap_idle_bytes", GAUGE, "bytes", "Heap bytes waiting to be used."}, OF_U64, GO(heap_idle), 0},
	{{"go_memstats_heap_inuse_bytes", GAUGE, "bytes", "Heap bytes that are in use."}, OF_U64, GO(heap_inuse), 0},
	{{"go_memstats_heap_released_bytes", GAUGE, "bytes", "Heap bytes released to the system."}, OF_U64, GO(heap_released), 0},
	{{"go_memstats_heap_objects", GAUGE, NULL, "Allocated objects."}, OF_U64, GO(heap_objects), 0},
	{{"go_memstats_stack_inuse_bytes", GAUGE, "bytes", "Bytes in use by the stack allocator."}, OF_U64, GO(stack_inuse), 0},
	{{"go_memstats_stack_sys_bytes", GAUGE, "bytes", "Bytes obtained from the system for stacks."}, OF_U64, GO(stack_sys), 0},
	{{"go_memstats_mspan_inuse_bytes", GAUGE, "bytes", "Bytes in use by mspan structures."}, OF_U64, GO(mspan_inuse), 0},
	{{"go_memstats_mspan_sys_bytes", GAUGE, "bytes", "Bytes of the system for mspan structures."}, OF_U64, GO(mspan_sys), 0},
	{{"go_memstats_mcache_inuse_bytes", GAUGE, "bytes", "Bytes in use by mcache structures."}, OF_U64, GO(mcache_inuse), 0},
	{{"go_memstats_mcache_sys_bytes", GAUGE, "bytes", "Bytes of the system for mcache structures."}, OF_U64, GO(mcache_sys), 0},
	{{"go_memstats_buck_hash_sys_bytes", GAUGE, "bytes", "Bytes of the profiling bucket hash table."},
	 OF_U64, GO(buck_hash_sys), 0},
	{{"go_memstats_gc_sys_bytes", GAUGE, "bytes", "Bytes of collection metadata."}, OF_U64, GO(gc_sys), 0},
	{{"go_memstats_other_sys_bytes", GAUGE, "bytes", "Bytes of other system allocations."}, OF_U64, GO(other_sys), 0},
	{{"go_memstats_next_gc_bytes", GAUGE, "bytes", "Heap bytes at which the next collection will take place."},
	 OF_U64, GO(next_gc), 0},
	{{"go_memstats_last_gc_time_seconds", GAUGE, "seconds", "When the last collection ended, since 1970."},
	 OF_U64, GO(last_gc), 1e-9},
};
/* clang-format on */

static void add_value(struct page *p, const struct go_family *f, const struct go_figures *g)
{
	const char *at = (const char *)g + f->offset;
	uint64_t value = f->kind == OF_U32 ? *(const uint32_t *)(const void *)at
					   : *(const uint64_t *)(const void *)at;

	if (f->scale > 0)
		openmetrics_add_number(p, (double)value * f->scale);
	else if (f->kind == OF_S64)
		buffer_printf(p->out, " %" PRId64 "\n", (int64_t)value);
	else
		buffer_printf(p->out, " %" PRIu64 "\n", value);
}

static bool is_shown(const struct snapshot_process *p)
{
	return p->go.known && !p->exited;
}

static void add_go_family(struct page *p, const struct go_family *f, const struct snapshot *s)
{
	size_t i;

	openmetrics_add_family(p, &f->family);
	for (i = 0; i < s->process_count; i++) {
		if (!is_shown(&s->processes[i]))
			continue;
		buffer_printf(p->out, "%s%s", f->family.name,
			      f->family.type == COUNTER ? "_total" : "");
		openmetrics_add_process_labels(p, &s->processes[i]);
		buffer_add_char(p->out, '}');
		add_value(p, f, &s->processes[i].go);
	}
}

void openmetrics_add_go(struct page *p, const struct snapshot *s)
{
	bool any = false;
	size_t i;

	for (i = 0; i < s->process_count; i++)
		any |= is_shown(&s->processes[i]);
	for (i = 0; any && i < sizeof(families) / sizeof(families[0]); i++)
		add_go_family(p, &families[i], s);
}
