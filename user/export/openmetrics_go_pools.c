/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of sync.Pool, counted in slices of the time: who divides their growth by that of tracer_go_pool_covered_seconds has calls a second.
 * A sample for each of the pools that are used most, which the program has as many of as it likes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "openmetrics_private.h"

/* Of a process. */
#define POOLS_MOST 20

struct pool_family {
	struct family family;
	size_t offset;
	bool misses;
};

#define POOL(member) offsetof(struct go_pool, member)

/* clang-format off */
static const struct family covered = {
	"tracer_go_pool_covered_seconds", COUNTER, "seconds", "Time in which calls of sync.Pool were counted."};

static const struct pool_family families[] = {
	{{"tracer_go_pool_gets", COUNTER, NULL, "Calls of sync.Pool's Get in the time covered."}, POOL(gets), false},
	{{"tracer_go_pool_puts", COUNTER, NULL, "Calls of sync.Pool's Put in the time covered."}, POOL(puts), false},
	{{"tracer_go_pool_misses", COUNTER, NULL, "Of the calls of Get, those that found nothing."}, POOL(misses), true},
};
/* clang-format on */

static bool is_shown(const struct snapshot_process *p)
{
	return p->go_pools.known && p->go_pools.sees_calls && !p->exited;
}

static void add_pool(struct page *p, const struct pool_family *f,
		     const struct snapshot_process *process, const struct go_pool *pool)
{
	struct buffer name = {0};
	char address[24];
	uint64_t value;

	memcpy(&value, (const char *)pool + f->offset, sizeof(value));
	go_pool_add_name(pool, &name);
	snprintf(address, sizeof(address), "0x%" PRIx64, pool->facts.address);
	buffer_printf(p->out, "%s_total", f->family.name);
	openmetrics_add_process_labels(p, process);
	openmetrics_add_label(p, ',', "pool", name.data);
	openmetrics_add_label(p, ',', "address", address);
	buffer_printf(p->out, "} %" PRIu64 "\n", value);
	buffer_done(&name);
}

static void add_pools(struct page *p, const struct pool_family *f, const struct snapshot *s)
{
	size_t i, k;

	openmetrics_add_family(p, &f->family);
	for (i = 0; i < s->process_count; i++) {
		const struct go_pools_figures *pools = &s->processes[i].go_pools;

		if (!is_shown(&s->processes[i]) || (f->misses && !pools->sees_misses))
			continue;
		for (k = 0; k < pools->count && k < POOLS_MOST; k++)
			add_pool(p, f, &s->processes[i], &pools->v[k]);
	}
}

static void add_covered(struct page *p, const struct snapshot *s)
{
	size_t i;

	openmetrics_add_family(p, &covered);
	for (i = 0; i < s->process_count; i++) {
		if (!is_shown(&s->processes[i]))
			continue;
		buffer_printf(p->out, "%s_total", covered.name);
		openmetrics_add_process_labels(p, &s->processes[i]);
		buffer_add_char(p->out, '}');
		openmetrics_add_number(p, (double)s->processes[i].go_pools.covered_ns / 1e9);
	}
}

void openmetrics_add_go_pools(struct page *p, const struct snapshot *s)
{
	bool any = false;
	size_t i;

	for (i = 0; i < s->process_count; i++)
		any |= is_shown(&s->processes[i]);
	if (!any)
		return;
	add_covered(p, s);
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		add_pools(p, &families[i], s);
}
