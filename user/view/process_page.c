/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process as a page of text. Input is its part of a snapshot; the counters of what was lost are
 * those of the whole run, because the kernel side keeps most of them for all processes together.
 */
#include "process_page.h"

#include <inttypes.h>
#include "../analyse/counter_text.h"
#include "../base/units.h"
#include "figures.h"
#include "gc_page.h"
#include "report_go.h"
#include "report_goroutines.h"
#include "report_go_pools.h"

#define INDENT 4

static void add_amount(struct pager *p, const char *label, int64_t bytes, int64_t count,
		       bool changes)
{
	char text[16];

	if (changes)
		units_signed_bytes((double)bytes, text, sizeof(text));
	else
		units_bytes((uint64_t)bytes, text, sizeof(text));
	pager_printf(p, STYLE_NORMAL, INDENT, 4,
		     "%-12s %8s  (%" PRId64 " bytes in %" PRId64 " blocks)", label, text, bytes,
		     count);
}

static void add_figures(struct pager *p, const struct snapshot_process *process)
{
	const struct amounts a = amounts_of(&process->totals, process->change);
	char text[16];

	if (a.changes)
		pager_add(p, STYLE_WARN, INDENT, 4,
			  "The next three are the change since the baseline.");
	add_amount(p, "Outstanding", a.bytes, a.count, a.changes);
	add_amount(p, "Allocated", a.alloc_bytes, a.alloc_count, a.changes);
	add_amount(p, "Freed", a.free_bytes, a.free_count, a.changes);
	pager_printf(p, STYLE_NORMAL, INDENT, 4, "%-12s %8s", "Peak",
		     units_bytes(process->totals.peak_bytes, text, sizeof(text)));
	pager_printf(p, process->growth_bytes_per_s >= 1 ? STYLE_WARN : STYLE_NORMAL, INDENT, 4,
		     "%-12s %8s/s", "Growth",
		     units_signed_bytes(process->growth_bytes_per_s, text, sizeof(text)));
}

static void add_memory(struct pager *p, const struct snapshot_process *process)
{
	struct buffer text = {0};
	char limit[96];

	if (!process->beside.known)
		return;
	pager_add(p, STYLE_NORMAL, 0, 0, "");
	pager_add(p, STYLE_TITLE, 0, 0, "Its memory as the kernel counts it");
	beside_add_figures(&process->beside, &text);
	pager_add(p, STYLE_NORMAL, INDENT, 4, text.data);
	buffer_reset(&text);
	buffer_add(&text, "", 0);
	beside_add_since(&process->beside, &process->since, &text);
	if (text.length)
		pager_add(p, STYLE_NORMAL, INDENT, 4, text.data);
	if (process->exhaustion.known)
		pager_printf(p, STYLE_BAD, INDENT, 4, "It meets %s.",
			     exhaustion_text(&process->exhaustion, limit, sizeof(limit)));
	buffer_done(&text);
}

static void add_go(struct pager *p, const struct snapshot_process *process)
{
	struct buffer text = {0};

	if (!process->go.known)
		return;
	pager_add(p, STYLE_NORMAL, 0, 0, "");
	pager_add(p, STYLE_TITLE, 0, 0,
		  process->go_only ? "What its Go runtime counts: there is no C allocator to trace"
				   : "What its Go runtime counts");
	if (process->go_heap.source == GO_HEAP_SAMPLES) {
		report_go_samples(&text, process);
		pager_add(p, STYLE_NORMAL, INDENT, 4, text.data);
		buffer_reset(&text);
	}
	report_go_heap(&text, &process->go);
	pager_add(p, STYLE_NORMAL, INDENT, 4, text.data);
	buffer_reset(&text);
	report_go_collector(&text, &process->go);
	pager_add(p, STYLE_NORMAL, INDENT, 4, text.data);
	if (process->go_heap.source == GO_HEAP_PROFILE) {
		buffer_reset(&text);
		report_go_profile(&text, process);
		pager_add(p, STYLE_NORMAL, INDENT, 4, text.data);
	}
	if (process->goroutines.known) {
		buffer_reset(&text);
		report_goroutines(&text, process);
		pager_add(p, process->goroutines.leak_count ? STYLE_BAD : STYLE_NORMAL, INDENT, 4,
			  text.data);
	}
	buffer_done(&text);
}

/* A line of the table of heaps. */
static void add_heap(struct pager *p, const char *name, uint64_t bytes, const char *what)
{
	char text[16];

	pager_printf(p, STYLE_NORMAL, INDENT, 24, "%-8s %8s  %s", name,
		     units_bytes(bytes, text, sizeof(text)), what);
}

static void add_sides(struct pager *p, const struct snapshot_process *process)
{
	const struct beside *b = &process->beside;
	struct buffer text = {0};

	if (!process->go.known || !b->known)
		return;
	pager_add(p, STYLE_NORMAL, 0, 0, "");
	pager_add(p, STYLE_TITLE, 0, 0,
		  process->go_only ? "The Go heap in its memory" : "Go and C side by side");
	report_go_share(&text, &process->go);
	add_heap(p, "Go heap", b->parts[BESIDE_GO].now, text.data);
	buffer_reset(&text);
	buffer_printf(&text, "outstanding in %" PRIu64 " blocks", report_go_c_blocks(process));
	if (!process->go_only)
		add_heap(p, "C heap", b->parts[BESIDE_HEAP].now, text.data);
	add_heap(p, "other", beside_other(b), "of RSS: code, stacks of threads, free memory of C");
	buffer_done(&text);
}

/* They are on the page Pools, a row each. */
static void add_pools(struct pager *p, const struct snapshot_process *process)
{
	struct buffer text = {0};

	if (!process->go_pools.known)
		return;
	pager_add(p, STYLE_NORMAL, 0, 0, "");
	pager_add(p, STYLE_TITLE, 0, 0, "Its pools");
	report_go_pools_head(&text, &process->go_pools);
	pager_add(p, STYLE_NORMAL, INDENT, 4, text.data);
	buffer_done(&text);
}

static void add_counts(struct pager *p, const struct snapshot *s,
		       const struct snapshot_process *process)
{
	size_t i;

	pager_add(p, STYLE_NORMAL, 0, 0, "");
	pager_add(p, STYLE_TITLE, 0, 0, "What is missing or odd");
	pager_printf(p, process->lost_events ? STYLE_BAD : STYLE_GOOD, INDENT, 4,
		     "%10" PRIu64 " events of this process are lost", process->lost_events);
	pager_printf(p, STYLE_NORMAL, INDENT, 4,
		     "%10" PRIu64 " frees of blocks that were never seen allocated",
		     process->unknown_frees);
	for (i = 0; i < counter_text_count; i++) {
		const struct counter_text *c = &counter_texts[i];

		if (s->counts[c->id])
			pager_printf(p, c->lost ? STYLE_BAD : STYLE_FAINT, INDENT, 15,
				     "%10" PRIu64 " %s", s->counts[c->id], c->help);
	}
}

void process_page_fill(struct pager *p, const struct snapshot *s,
		       const struct snapshot_process *process)
{
	pager_printf(p, STYLE_TITLE, 0, 2, "%s (%" PRIu32 ")%s", process->comm, process->pid,
		     process->exited ? ", has ended" : "");
	if (!process->go_only || process->totals.alloc_count)
		add_figures(p, process);
	add_memory(p, process);
	add_sides(p, process);
	add_go(p, process);
	gc_page_add(p, s, process);
	add_pools(p, process);
	add_counts(p, s, process);
}
