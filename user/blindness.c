/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "blindness.h"

#include "base/log.h"

static void note_rss(struct tracked *t, uint64_t rss)
{
	if (rss == UINT64_MAX)
		return;
	if (t->rss_first == UINT64_MAX)
		t->rss_first = rss;
	if (rss > t->rss_most)
		t->rss_most = rss;
}

/* Heap class only: mappings that were seen explain nothing about allocations. */
static enum blind find_blind(const struct options *o, const struct snapshot_process *p,
			     const struct tracked *t, bool partial)
{
	struct blind_facts f = {
		.filtered = options_filter(o),
		.sample_bytes = o->sample_bytes,
		.ranges_bytes = p->ranges_bytes,
		.allocs = p->heap_alloc_count,
		.missed_allocs = p->missed_allocs,
		.frees = p->heap_free_count + p->unknown_frees,
		.layers = t->layers,
		.reused = p->reused_addresses,
		.lost = p->lost_events,
	};

	/* what it grew by may have been allocated between two windows */
	if (t->rss_first != UINT64_MAX && t->rss_most > t->rss_first && !partial)
		f.growth_bytes = t->rss_most - t->rss_first;
	return blind_find(&f);
}

void blindness_warn(enum blind blind, const struct snapshot_process *p, const struct tracked *t)
{
	switch (blind) {
	case BLIND_NOT: break;
	case BLIND_ALL:
		log_warn("process %u (%s) grew by %llu MB, and no allocation was seen: its "
			 "allocator may be "
			 "another one than those that tracer -p %u --dry-run lists (then name its "
			 "library "
			 "with -O PATH), or it maps memory itself (--mmap)",
			 p->pid, p->comm, (unsigned long long)(t->rss_most - t->rss_first) >> 20,
			 p->pid);
		break;
	case BLIND_ALLOCATIONS:
		log_warn("process %u (%s): its allocations are not seen, only its frees: %llu "
			 "addresses were freed again without an allocation in between: it "
			 "allocates by other functions than those that tracer -p %u --dry-run "
			 "lists (name their library with -O PATH); figures are too low",
			 p->pid, p->comm, (unsigned long long)p->missed_allocs, p->pid);
		break;
	case BLIND_FREES:
		log_warn(
			"process %u (%s): its frees are not seen: %llu blocks were handed out at "
			"live addresses: it frees by other functions than those that tracer -p %u "
			"--dry-run lists (name their library with -O PATH); what looks outstanding "
			"may be free",
			p->pid, p->comm, (unsigned long long)p->reused_addresses, p->pid);
		break;
	}
}

/* Once a process. What is sure is said as soon as it is known; growth alone not before the next
 * snapshot or the end: a program that starts may load much before it allocates. */
void blindness_look(const struct options *o, struct snapshot_process *p, struct tracked *t,
		    bool partial)
{
	bool before = t->grew_unseen;

	note_rss(t, p->rss_bytes);
	p->blind = find_blind(o, p, t, partial);
	t->grew_unseen = p->blind == BLIND_ALL;
	if (t->grew_unseen && !before && !t->blind_said) {
		p->blind = BLIND_NOT;
		return;
	}
	if (p->blind && !t->blind_said)
		blindness_warn(p->blind, p, t);
	t->blind_said |= p->blind != BLIND_NOT;
}
