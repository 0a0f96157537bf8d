/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One call site as a page of text. Input is a site of the newest snapshot and its names. The stack
 * comes first and is never cut: long names are wrapped, because the frame that explains a leak is
 * often the longest.
 */
#include "stack_view.h"

#include <inttypes.h>
#include <stdio.h>
#include "../base/units.h"
#include "../probe/plan.h"
#include "frames.h"

#define FIGURE_INDENT 4

struct page {
	struct pager *pager;
	const struct theme *theme;
	const struct snapshot_site *site;
};

static void add_title(struct page *page, const struct snapshot *s, uint64_t site_id)
{
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
	pager_add(page->pager, page->theme, STYLE_TITLE, 0, 2, text.data);
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
		pager_add(page->pager, page->theme, style, 0, 7, text.data);
	}
	buffer_reset(&text);
	if (frames_add_cut(&text, names, page->site->stack_flags))
		pager_add(page->pager, page->theme, STYLE_WARN, 5, 2, text.data);
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
	pager_printf(page->pager, page->theme, STYLE_FAINT, FIGURE_INDENT, 4,
		     "%-12s %8s  (bytes %s, blocks %s, from %" PRIu64 " samples)", "", "", of_bytes,
		     of_count, errors_of(&u->errors, figure).seen_count);
}

static void add_amount(struct page *page, const char *label, enum figure figure, uint64_t bytes,
		       uint64_t count)
{
	char text[16];

	pager_printf(page->pager, page->theme, STYLE_NORMAL, FIGURE_INDENT, 4,
		     "%-12s %8s  (%" PRIu64 " bytes in %" PRIu64 " blocks)", label,
		     units_bytes(bytes, text, sizeof(text)), bytes, count);
	if (page->site->uncertain)
		add_margin(page, figure, bytes, count);
}

static void add_text(struct page *page, enum style style, const char *label, const char *text)
{
	pager_printf(page->pager, page->theme, style, FIGURE_INDENT, 4, "%-12s %8s", label, text);
}

static enum style verdict_style(enum verdict verdict)
{
	if (verdict == VERDICT_LEAK)
		return STYLE_BAD;
	return verdict == VERDICT_GROWING ? STYLE_WARN : STYLE_NORMAL;
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

static void add_figures(struct page *page)
{
	const struct snapshot_site *site = page->site;
	const struct totals *t = &site->totals;
	char text[64];

	add_amount(page, "Outstanding", FIGURE_OUTSTANDING, t->outstanding_bytes,
		   t->outstanding_count);
	add_amount(page, "Allocated", FIGURE_ALLOC, t->alloc_bytes, t->alloc_count);
	add_amount(page, "Freed", FIGURE_FREE, t->free_bytes, t->free_count);
	add_text(page, STYLE_NORMAL, "Peak", units_bytes(t->peak_bytes, text, sizeof(text)));
	add_text(page, STYLE_NORMAL, "Temporary",
		 units_count(t->temporary_count, text, sizeof(text)));
	if (t->outstanding_count > 0)
		add_text(page, STYLE_NORMAL, "Average",
			 units_bytes(t->outstanding_bytes / t->outstanding_count, text,
				     sizeof(text)));
	growth_text(site, text, sizeof(text));
	add_text(page, site->growth_bytes_per_s >= 1 ? STYLE_WARN : STYLE_NORMAL, "Growth", text);
	snprintf(text, sizeof(text), "%.1f/s", site->allocs_per_s);
	add_text(page, STYLE_NORMAL, "Allocations", text);
	if (site->oldest_s >= 0)
		add_text(page, STYLE_NORMAL, "Oldest",
			 units_duration(site->oldest_s, text, sizeof(text)));
	snprintf(text, sizeof(text), "%s", verdict_name(site->verdict));
	add_text(page, verdict_style(site->verdict), "Verdict", text);
	snprintf(text, sizeof(text), "%.0f", site->score);
	add_text(page, verdict_style(site->verdict), "Leak score", text);
}

void stack_view_fill(struct pager *p, const struct theme *theme, const struct snapshot *s,
		     const struct snapshot_site *site, const struct stack_names *names, int width)
{
	struct page page = {.pager = p, .theme = theme, .site = site};

	pager_begin(p, width);
	add_title(&page, s, names->site_id);
	if (site->range)
		pager_add(p, theme, STYLE_FAINT, 5, 2, "[mapped range]");
	add_frames(&page, names);
	pager_add(p, theme, STYLE_NORMAL, 0, 0, "");
	add_figures(&page);
}

const struct snapshot_site *stack_view_find(const struct snapshot *s, uint32_t site)
{
	size_t i;

	for (i = 0; i < s->site_count; i++) {
		if (s->sites[i].site == site)
			return &s->sites[i];
	}
	return NULL;
}
