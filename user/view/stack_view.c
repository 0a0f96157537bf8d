/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One call site as a page of text. Input is a site of the newest snapshot and what the sources know
 * of it. The stack
 * comes first and is never cut: long names are wrapped, because the frame that explains a leak is
 * often the longest.
 */
#include "stack_view.h"

#include <inttypes.h>
#include <stdio.h>
#include "../analyse/reasons.h"
#include "../base/units.h"
#include "../probe/plan.h"
#include "figures.h"
#include "frames.h"
#include "plot.h"

#define FIGURE_INDENT  4
#define HISTORY_POINTS 128

struct page {
	struct pager *pager;
	struct view_data *data;
	const struct snapshot_site *site;
};

static void add_title(struct page *page, uint64_t site_id)
{
	const struct snapshot *s = page->data->snapshot;
	const struct snapshot_site *site = page->site;
	const char *call = site->call < CALL_ID_COUNT ? call_name((enum call_id)site->call) : "";
	struct buffer text = {0};

	buffer_printf(&text, "%s", call);
	if (site->process < s->process_count) {
		buffer_add_string(&text, " in ");
		buffer_add_clean(&text, s->processes[site->process].comm);
		buffer_printf(&text, " (%" PRIu32 ")", s->processes[site->process].pid);
	}
	buffer_printf(&text, ", site %016" PRIx64, site_id);
	pager_add(page->pager, STYLE_TITLE, 0, 2, text.data);
	buffer_done(&text);
}

static void add_type(struct page *page, const struct stack_names *names)
{
	struct buffer text = {0};

	if (!names->type)
		return;
	buffer_add_string(&text, "Type: ");
	buffer_add_clean(&text, names->type);
	pager_add(page->pager, STYLE_NORMAL, 0, 2, text.data);
	buffer_done(&text);
}

static void add_frames(struct page *page, const struct stack_names *names)
{
	struct buffer text = {0};
	size_t i;

	for (i = 0; i < names->frame_count; i++) {
		enum style style = STYLE_NORMAL;

		if (i == names->function_frame)
			style = STYLE_STRONG;
		else if (names->frames[i].skipped)
			style = STYLE_FAINT;
		buffer_reset(&text);
		buffer_printf(&text, "%3zu  ", i);
		frames_add(&text, &names->frames[i]);
		pager_add(page->pager, style, 0, 7, text.data);
	}
	buffer_reset(&text);
	if (frames_add_cut(&text, names, page->site->stack_flags))
		pager_add(page->pager, STYLE_WARN, 5, 2, text.data);
	buffer_done(&text);
}

/* How far the figures may be off, on a line below them. */
static void add_margin(struct page *page, enum figure figure, uint64_t bytes, uint64_t count)
{
	const struct uncertain *u = page->site->uncertain;
	char of_bytes[INTERVAL_TEXT], of_count[INTERVAL_TEXT];

	interval_text((double)bytes, uncertain_bytes(u, figure), units_bytes, of_bytes,
		      sizeof(of_bytes));
	uncertain_count_text(u, figure, count, of_count, sizeof(of_count));
	pager_printf(page->pager, STYLE_FAINT, FIGURE_INDENT, 4,
		     "%-12s %8s  (bytes %s, blocks %s, from %" PRIu64 " samples)", "", "", of_bytes,
		     of_count, errors_of(&u->errors, figure).seen_count);
}

static void add_amount(struct page *page, const char *label, enum figure figure, uint64_t bytes,
		       uint64_t count)
{
	char text[16];

	pager_printf(page->pager, STYLE_NORMAL, FIGURE_INDENT, 4,
		     "%-12s %8s  (%" PRIu64 " bytes in %" PRIu64 " blocks)", label,
		     units_bytes(bytes, text, sizeof(text)), bytes, count);
	if (page->site->uncertain)
		add_margin(page, figure, bytes, count);
}

static void add_text(struct page *page, enum style style, const char *label, const char *text)
{
	pager_printf(page->pager, style, FIGURE_INDENT, 4, "%-12s %8s", label, text);
}

static void growth_text(const struct snapshot_site *site, char *out, size_t size)
{
	double growth = site->growth_bytes_per_s;
	char number[16], margin[INTERVAL_TEXT] = "";

	if (site->uncertain)
		interval_change_text(growth, uncertain_growth(site->uncertain, growth), margin,
				     sizeof(margin));
	snprintf(out, size, "%s%s%s/s", units_signed_bytes(growth, number, sizeof(number)),
		 margin[0] ? " " : "", margin);
}

static void add_verdict(struct page *page)
{
	const struct snapshot_site *site = page->site;
	struct buffer text = {0};

	buffer_printf(&text, "Verdict: %s, score %.0f of 100: ",
		      site->verdict == VERDICT_NONE ? "suppressed" : verdict_name(site->verdict),
		      site->score);
	reasons_add(&text, site);
	pager_add(page->pager, figure_verdict_style(site->verdict), 0, 4, text.data);
	buffer_done(&text);
}

/* Beside the figures of now, which this page keeps. */
static void add_change(struct page *page)
{
	const struct change *c = page->site->change;
	char text[16];

	if (!c)
		return;
	pager_printf(page->pager, STYLE_WARN, FIGURE_INDENT, 4,
		     "%-12s %8s  (%+" PRId64 " bytes in %+" PRId64 " blocks; allocated %+" PRId64
		     ", freed %+" PRId64 " blocks)",
		     "Since then",
		     units_signed_bytes((double)c->outstanding_bytes, text, sizeof(text)),
		     c->outstanding_bytes, c->outstanding_count, c->alloc_count, c->free_count);
}

/* Of the blocks that it has freed. */
static void add_lives(struct page *page)
{
	const struct lifetimes_figures *l = &page->site->lifetimes;
	char text[32];

	if (!page->site->totals.free_count || l->median_s < 0)
		return;
	add_text(page, STYLE_NORMAL, "Median life", units_life(l->median_s, text, sizeof(text)));
	pager_printf(page->pager, STYLE_NORMAL, FIGURE_INDENT, 4,
		     "%-12s %7.1f%%  (of the freed, in less than a millisecond)", "Died young",
		     100 * l->young_share);
}

static void add_figures(struct page *page)
{
	const struct snapshot_site *site = page->site;
	const struct totals *t = &site->totals;
	char text[64];

	add_change(page);
	add_amount(page, "Outstanding", FIGURE_OUTSTANDING, t->outstanding_bytes,
		   t->outstanding_count);
	add_amount(page, "Allocated", FIGURE_ALLOC, t->alloc_bytes, t->alloc_count);
	if (site->before.bytes)
		add_amount(page, "From before", FIGURE_ALLOC, site->before.bytes,
			   site->before.count);
	add_amount(page, "Freed", FIGURE_FREE, t->free_bytes, t->free_count);
	add_text(page, STYLE_NORMAL, "Peak", units_bytes(t->peak_bytes, text, sizeof(text)));
	add_text(page, STYLE_NORMAL, "At the peak",
		 units_bytes(site->bytes_at_peak, text, sizeof(text)));
	if (!site->bulk)
		add_text(page, STYLE_NORMAL, "Temporary",
			 units_count(t->temporary_count, text, sizeof(text)));
	if (t->outstanding_count > 0)
		add_text(page, STYLE_NORMAL, "Average",
			 units_bytes(t->outstanding_bytes / t->outstanding_count, text,
				     sizeof(text)));
	growth_text(site, text, sizeof(text));
	add_text(page, site->growth_bytes_per_s >= 1 ? STYLE_WARN : STYLE_NORMAL, "Growth", text);
	snprintf(text, sizeof(text), "%.1f/s, frees %.1f/s", site->allocs_per_s, site->frees_per_s);
	add_text(page, STYLE_NORMAL, "Allocations", text);
	if (site->bulk)
		add_text(page, STYLE_NORMAL, "Ages", "not known");
	if (site->oldest_s >= 0)
		add_text(page, STYLE_NORMAL, "Oldest",
			 units_duration(site->oldest_s, text, sizeof(text)));
	if (site->median_age_s >= 0)
		add_text(page, STYLE_NORMAL, "Median age",
			 units_duration(site->median_age_s, text, sizeof(text)));
	add_lives(page);
}

static void add_head(struct page *page, const char *text)
{
	pager_add(page->pager, STYLE_NORMAL, 0, 0, "");
	pager_add(page->pager, STYLE_TITLE, 0, 0, text);
}

static void add_history(struct page *page, bool tall)
{
	const struct screen_sources *sources = page->data->sources;
	struct view_point points[HISTORY_POINTS];
	size_t count;

	if (!sources->history)
		return;
	count = sources->history(sources->context, page->site->site, points, HISTORY_POINTS);
	if (count < 2)
		return;
	add_head(page, "Outstanding bytes since tracing began");
	plot_history(page->pager, points, count, 0, tall ? 8 : 5);
}

static void add_bucket(struct buffer *out, bool ages, uint32_t bucket)
{
	if (bucket == 0 || bucket >= HISTOGRAM_BUCKETS)
		buffer_add_string(out, bucket ? "" : "0");
	else if (ages)
		figure_time(out, lifetimes_age_start_s(bucket));
	else
		figure_bytes(out, (uint64_t)histogram_start(bucket));
}

static void fill_bar(struct plot_bar *bar, bool ages, uint32_t bucket, uint64_t count, double total)
{
	struct buffer label = {0};
	char number[16];

	add_bucket(&label, ages, bucket);
	buffer_add_string(&label, "..");
	add_bucket(&label, ages, bucket + 1);
	snprintf(bar->label, sizeof(bar->label), "%s", label.data);
	buffer_done(&label);
	bar->value = (double)count;
	snprintf(bar->note, sizeof(bar->note), "%5.1f%% %s", 100 * (double)count / total,
		 units_count(count, number, sizeof(number)));
}

/* From the first bucket that has something to the last. */
static void add_histogram(struct page *page, const char *head, const struct histogram *h, bool ages)
{
	struct plot_bar bars[HISTOGRAM_BUCKETS];
	uint32_t first = 0, last = HISTOGRAM_BUCKETS - 1, i;
	double total = (double)histogram_total(h);

	if (total <= 0)
		return;
	while (!h->v[first])
		first++;
	while (!h->v[last])
		last--;
	for (i = first; i <= last; i++)
		fill_bar(&bars[i - first], ages, i, h->v[i], total);
	add_head(page, head);
	plot_bars(page->pager, bars, last - first + 1, 0);
}

static void add_histograms(struct page *page)
{
	const struct screen_sources *sources = page->data->sources;
	struct lifetimes l;

	if (!sources->lifetimes || !sources->lifetimes(sources->context, page->site->site, &l))
		return;
	add_histogram(page, "Sizes of all its blocks", &l.sizes, false);
	add_histogram(page, "Lifetimes of its freed blocks", &l.ages, true);
}

static void add_block(struct page *page, const struct report_block *block)
{
	const struct screen_sources *sources = page->data->sources;
	const struct snapshot *s = page->data->snapshot;
	uint32_t process = page->site->process;
	char bytes[16], age[16], comm[16] = "";

	if (sources->thread_name && process < s->process_count)
		sources->thread_name(sources->context, s->processes[process].index, block->tid,
				     comm, sizeof(comm));
	pager_printf(page->pager, STYLE_NORMAL, FIGURE_INDENT, 4,
		     "0x%-14" PRIx64 " %8s  %8s  %8" PRIu32 "  %s", block->address,
		     units_bytes(block->bytes, bytes, sizeof(bytes)),
		     units_duration(block->age_s, age, sizeof(age)), block->tid,
		     comm[0]		    ? comm
		     : sources->thread_name ? "(ended)"
					    : "");
}

/* Untouched memory is asked for, but not there. */
static void add_resident(struct page *page, const struct view_walk *w)
{
	const struct resident *r = &w->resident;
	char bytes[16], swapped[16];

	if (!w->resident_known || !r->looked_bytes)
		return;
	pager_printf(page->pager, STYLE_NORMAL, FIGURE_INDENT, 4,
		     "In memory: %.1f%% of %s in %" PRIu64 " blocks looked at; swapped out: %s",
		     100 * (double)r->resident_bytes / (double)r->looked_bytes,
		     units_bytes(r->looked_bytes, bytes, sizeof(bytes)), r->looked_blocks,
		     units_bytes(r->swapped_bytes, swapped, sizeof(swapped)));
}

static void add_oldest(struct page *page)
{
	const struct screen_sources *sources = page->data->sources;
	const struct view_walk *w;
	size_t i;

	w = sources->walk ? sources->walk(sources->context, page->site->site) : NULL;
	if (!w)
		return;
	add_head(page, "Oldest blocks");
	if (w->site != page->site->site) {
		pager_printf(page->pager, STYLE_FAINT, FIGURE_INDENT, 0,
			     "walking the blocks: %.0f%%", 100 * w->done);
		return;
	}
	if (!w->oldest_count)
		pager_add(page->pager, STYLE_FAINT, FIGURE_INDENT, 0, "none is outstanding");
	else
		pager_printf(page->pager, STYLE_FAINT, FIGURE_INDENT, 0, "%-16s %8s  %8s  %8s  %s",
			     "ADDRESS", "BYTES", "AGE", "TID", "THREAD");
	for (i = 0; i < w->oldest_count; i++)
		add_block(page, &w->oldest[i]);
	add_resident(page, w);
}

void stack_view_fill(struct pager *p, struct view_data *data, const struct snapshot_site *site,
		     bool tall)
{
	const struct stack_names *names = data->sources->names(data->sources->context, site);
	struct page page = {.pager = p, .data = data, .site = site};

	add_title(&page, names->site_id);
	if (site->range)
		pager_add(p, STYLE_FAINT, 5, 2, "[mapped range]");
	add_type(&page, names);
	add_frames(&page, names);
	pager_add(p, STYLE_NORMAL, 0, 0, "");
	add_verdict(&page);
	add_figures(&page);
	add_history(&page, tall);
	add_histograms(&page);
	add_oldest(&page);
}
