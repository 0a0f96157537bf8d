/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring of pauses is written at the end of a cycle, before the cycle is counted (gcMarkTermination() of runtime/mgc.go). So the count
 * is read before the ring and after it: entries of cycles that were overwritten meanwhile are known by their number. All else is a word
 * each, of one cycle or the next.
 */
#include "go_cycles.h"

#include <errno.h>
#include <string.h>

#include "../base/clock.h"
#include "go_private.h"
#include "link_map.h"

#define PROCESSORS_MAX 1024

static const enum go_member cpu_members[GO_CPU_KINDS] = {
	[GO_CPU_OF_ASSIST] = GO_CPU_ASSIST,
	[GO_CPU_OF_DEDICATED] = GO_CPU_DEDICATED,
	[GO_CPU_OF_GC_IDLE] = GO_CPU_GC_IDLE,
	[GO_CPU_OF_PAUSE] = GO_CPU_GC_PAUSE,
	[GO_CPU_OF_GC] = GO_CPU_GC,
	[GO_CPU_OF_SCAVENGE_ASSIST] = GO_CPU_SCAVENGE_ASSIST,
	[GO_CPU_OF_SCAVENGE_BACKGROUND] = GO_CPU_SCAVENGE_BACKGROUND,
	[GO_CPU_OF_SCAVENGE] = GO_CPU_SCAVENGE,
	[GO_CPU_OF_IDLE] = GO_CPU_IDLE,
	[GO_CPU_OF_USER] = GO_CPU_USER,
	[GO_CPU_OF_ALL] = GO_CPU_TOTAL,
};

static bool read_member(const struct go_runtime *r, enum go_symbol symbol, enum go_member member,
			void *out, size_t size)
{
	int32_t at = r->layout->at[member];

	return r->at[symbol] && at >= 0 &&
	       link_map_read_memory(r->memory, r->at[symbol] + (uint64_t)at, out, size);
}

static uint64_t word(const struct go_runtime *r, enum go_symbol symbol, enum go_member member)
{
	uint64_t v = 0;

	return read_member(r, symbol, member, &v, sizeof(v)) ? v : 0;
}

static void read_cpu(const struct go_runtime *r, struct go_cycles *c)
{
	int i;

	c->gc_cpu_ns = UINT64_MAX;
	c->cpu_known = r->at[GO_SYMBOL_WORK] && r->layout->at[GO_CPU_TOTAL] >= 0;
	for (i = 0; c->cpu_known && i < GO_CPU_KINDS; i++)
		c->cpu_ns[i] = word(r, GO_SYMBOL_WORK, cpu_members[i]);
	if (c->cpu_known)
		c->gc_cpu_ns = c->cpu_ns[GO_CPU_OF_GC] - c->cpu_ns[GO_CPU_OF_GC_IDLE];
	else if (r->at[GO_SYMBOL_WORK] && r->layout->at[GO_CPU_GC_1_19] >= 0)
		c->gc_cpu_ns = word(r, GO_SYMBOL_WORK, GO_CPU_GC_1_19);
}

/* runtime.allp has GOMAXPROCS elements. */
static uint32_t read_processors(const struct go_runtime *r)
{
	uint64_t slice[2];

	if (!link_map_read_memory(r->memory, r->at[GO_SYMBOL_ALLP], slice, sizeof(slice)) ||
	    slice[1] > PROCESSORS_MAX)
		return 0;
	return (uint32_t)slice[1];
}

static int read_count(const struct go_runtime *r, uint32_t *count)
{
	return read_member(r, GO_SYMBOL_MEMSTATS, GO_NUM_GC, count, sizeof(*count)) ? 0 : -ESRCH;
}

int go_cycles_count(const struct go_runtime *r, uint32_t *count)
{
	*count = 0;
	return read_count(r, count);
}

int go_cycles_read(const struct go_runtime *r, struct go_cycles *c)
{
	memset(c, 0, sizeof(*c));
	if (read_count(r, &c->count) ||
	    !read_member(r, GO_SYMBOL_MEMSTATS, GO_PAUSE_NS, c->pause_ns, sizeof(c->pause_ns)) ||
	    !read_member(r, GO_SYMBOL_MEMSTATS, GO_PAUSE_END, c->end_ns, sizeof(c->end_ns)))
		return -ESRCH;
	c->read_ns = clock_realtime_ns();
	c->heap_marked = word(r, GO_SYMBOL_GC_CONTROLLER, GO_HEAP_MARKED);
	c->percent_goal = word(r, GO_SYMBOL_GC_CONTROLLER, GO_GC_PERCENT_HEAP_GOAL);
	c->runway = word(r, GO_SYMBOL_GC_CONTROLLER, GO_RUNWAY);
	c->total_alloc = word(r, GO_SYMBOL_GC_CONTROLLER, GO_TOTAL_ALLOC);
	c->processors = read_processors(r);
	read_cpu(r, c);
	return read_count(r, &c->count_end);
}
