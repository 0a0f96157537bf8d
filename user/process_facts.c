/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process_facts.h"

#include "base/clock.h"
#include "options.h"
#include "tracker.h"

/* Limits change seldom, and what is used of them is several files to read. */
#define LIMITS_NS NS_PER_S
/* PSS takes no more than that part of the time. */
#define PSS_PART 1000
/* Its walk may keep a thread that maps memory waiting: not for longer than some milliseconds. */
#define PSS_RSS_MAX (1ull << 30)

void process_facts_begin(struct tracked *t)
{
	struct process_facts *f = &t->facts;

	f->begun = memory_read(t->pid, &f->first) == 0;
	f->pss = MEMORY_UNKNOWN;
}

uint64_t process_facts_pss(struct tracked *t, uint64_t rss)
{
	struct process_facts *f = &t->facts;
	uint64_t begun = clock_monotonic_ns(), now;

	if (begun < f->pss_next_ns)
		return f->pss;
	f->pss = MEMORY_UNKNOWN;
	if (rss <= PSS_RSS_MAX)
		memory_read_pss(t->pid, &f->pss);
	now = clock_monotonic_ns();
	f->pss_next_ns = now + (now - begun) * PSS_PART;
	return f->pss;
}

static void find_exhaustion(struct tracked *t, struct snapshot_process *p)
{
	struct process_facts *f = &t->facts;
	uint64_t now = clock_monotonic_ns();

	/* who does not grow meets no limit */
	if (!(p->growth_bytes_per_s > 0))
		return;
	if (now >= f->limits_next_ns) {
		limits_read("", t->pid, &f->limits);
		f->limits_next_ns = now + LIMITS_NS;
	}
	p->exhaustion = exhaustion_of(&f->limits, p->growth_bytes_per_s);
}

void process_facts_fill(struct tracked *t, struct snapshot_process *p, const struct options *o)
{
	struct process_facts *f = &t->facts;
	struct beside *b = &p->beside;

	*b = (struct beside){.maps_traced = o->mmap,
			     .part_of_blocks = options_filter(o),
			     .attached = t->attached,
			     .heap_now = p->totals.outstanding_bytes,
			     .unknown_frees = p->unknown_frees};
	if (memory_read(t->pid, &b->now))
		return;
	if (!f->begun) {
		*f = (struct process_facts){.begun = true,
					    .first = b->now,
					    .heap_first = b->heap_now,
					    .pss = MEMORY_UNKNOWN};
	}
	b->known = true;
	b->first = f->first;
	b->heap_first = f->heap_first;
	if (o->verbose)
		b->now.pss = process_facts_pss(t, b->now.rss);
	p->rss_bytes = b->now.rss;
	find_exhaustion(t, p);
}
