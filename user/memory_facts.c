/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory_facts.h"

#include "base/clock.h"
#include "facts.h"
#include "options.h"
#include "tracker.h"

/* Limits change seldom, and what is used of them is several files to read. */
#define LIMITS_NS (NS_PER_S / 2)
/* A limit that is met so soon is said before growth is sure. */
#define SOON_S 60.0

void memory_facts_begin(struct tracked *t, struct pss_reader *reader)
{
	struct memory_facts *f = &t->memory;

	f->pss = pss_reader_add(reader, t->pid);
	f->begun = memory_read(t->pid, &f->first) == 0;
}

void memory_facts_end(struct tracked *t, struct pss_reader *reader)
{
	pss_reader_drop(reader, t->memory.pss);
	t->memory.pss = NULL;
}

static void gather_limits(struct tracked *t, struct process_facts *f)
{
	uint64_t now = clock_monotonic_ns();

	if (now >= t->memory.limits_next_ns) {
		limits_read("", t->pid, &t->memory.limits);
		t->memory.limits_next_ns = now + LIMITS_NS;
	}
	f->limits = t->memory.limits;
}

void memory_facts_gather(struct tracked *t, struct pss_reader *reader, struct process_facts *f)
{
	f->rss_bytes = MEMORY_UNKNOWN;
	if (memory_read(t->pid, &f->memory))
		return;
	f->memory_known = true;
	f->memory_begun = t->memory.begun;
	f->memory_first = t->memory.first;
	f->heap_first = t->memory.heap_first;
	f->rss_bytes = f->memory.rss;
	if (!t->memory.pss)
		t->memory.pss = pss_reader_add(reader, t->pid);
	f->memory.pss = pss_reader_get(reader, t->memory.pss).bytes;
	gather_limits(t, f);
}

/* The sites of a Go heap are among the others. */
static uint64_t c_heap_bytes(const struct snapshot_process *p)
{
	uint64_t all = p->totals.outstanding_bytes, go = p->go_live.bytes;

	return all > go ? all - go : 0;
}

/* When tracing of it began, or when it was seen first. */
static void fill_first(struct tracked *t, const struct process_facts *f, struct beside *b)
{
	struct memory_facts *m = &t->memory;
	struct beside_use *heap = &b->parts[BESIDE_HEAP], *go = &b->parts[BESIDE_GO];

	if (!f->memory_begun && !m->begun) {
		m->begun = true;
		m->first = b->now;
		m->heap_first = heap->now;
	}
	b->first = f->memory_begun ? f->memory_first : m->first;
	heap->first = f->memory_begun ? f->heap_first : m->heap_first;
	if (!f->go_first && go->known && !m->go_begun) {
		m->go_begun = true;
		m->go_first = go->now;
	}
	go->first = f->go_first ? f->go_first : m->go_first;
}

void memory_facts_fill(struct tracked *t, const struct process_facts *f, struct snapshot_process *p,
		       const struct options *o)
{
	struct beside *b = &p->beside;

	*b = (struct beside){.maps_traced = o->mmap,
			     .part_of_blocks = options_filter(o),
			     .attached = f->attached,
			     .unknown_frees = p->unknown_frees};
	b->parts[BESIDE_HEAP] = (struct beside_use){.known = !f->go_only, .now = c_heap_bytes(p)};
	b->parts[BESIDE_GO] =
		(struct beside_use){.known = f->go.known, .now = go_heap_bytes(&f->go)};
	if (!f->memory_known)
		return;
	b->known = true;
	b->now = f->memory;
	fill_first(t, f, b);
	/* who does not grow meets no limit */
	if (p->growth_bytes_per_s > 0)
		p->exhaustion = exhaustion_of(&f->limits, p->growth_bytes_per_s);
	/* what may be chance is worth a word only when it would matter at once */
	if (!(p->bytes_trend.low > 0) && p->exhaustion.seconds > SOON_S)
		p->exhaustion = (struct exhaustion){0};
}
