/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of call sites. Input is the newest snapshot; names come on demand, because reading
 * debug information can take long: in each drawing new look-ups stop after a moment, the rest shows
 * "..." and follows in the next one.
 *
 * Invariant: rows[0 .. list.count) are indices into the present snapshot, and once the user has
 * moved the cursor it is on the same site in every later snapshot for as long as that site is
 * shown.
 */
#include "sites_view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/clock.h"
#include "../base/units.h"
#include "../base/xalloc.h"
#include "../probe/plan.h"
#include "frames.h"
#include "line.h"
#include "text.h"

#define NAMES_BUDGET_NS (80 * NS_PER_MS)

enum site_column {
	COLUMN_RANK,
	COLUMN_PROCESS,
	COLUMN_OUTSTANDING,
	COLUMN_COUNT,
	COLUMN_GROWTH,
	COLUMN_RATE,
	COLUMN_OLDEST,
	COLUMN_PEAK,
	COLUMN_VERDICT,
	COLUMN_API,
	COLUMN_FUNCTION,
	COLUMN_SOURCE,
	COLUMN_COUNT_OF
};

/* Room goes to the names; what goes first when it is short is what the other columns nearly say. */
static const struct list_column site_columns[COLUMN_COUNT_OF] = {
	[COLUMN_RANK] = {"#", 4, 0, 9, true, -1},
	[COLUMN_PROCESS] = {"PROCESS", 7, 0, 3, true, -1},
	[COLUMN_OUTSTANDING] = {"OUTSTAND", 9, 0, 0, true, SORT_OUTSTANDING},
	[COLUMN_COUNT] = {"COUNT", 6, 0, 4, true, SORT_COUNT},
	[COLUMN_GROWTH] = {"GROWTH", 7, 0, 3, true, SORT_GROWTH},
	[COLUMN_RATE] = {"ALLOC/S", 8, 0, 5, true, SORT_RATE},
	[COLUMN_OLDEST] = {"OLDEST", 7, 0, 6, true, SORT_OLDEST},
	[COLUMN_PEAK] = {"PEAK", 6, 0, 10, true, SORT_PEAK},
	[COLUMN_VERDICT] = {"VERDICT", 11, 0, 2, false, SORT_SCORE},
	[COLUMN_API] = {"API", 14, 0, 8, false, -1},
	[COLUMN_FUNCTION] = {"FUNCTION", 16, 3, 0, false, -1},
	[COLUMN_SOURCE] = {"SOURCE", 16, 2, 7, false, -1},
};

void sites_view_init(struct sites_view *v, enum sort_key sort, report_names_fn *names,
		     void *context)
{
	memset(v, 0, sizeof(*v));
	list_init(&v->list, site_columns, COLUMN_COUNT_OF);
	v->sort = sort;
	v->names = names;
	v->context = context;
}

void sites_view_done(struct sites_view *v)
{
	free(v->rows);
	free(v->named);
	v->rows = NULL;
	v->named = NULL;
}

static const struct snapshot_site *row_site(const struct sites_view *v, size_t row)
{
	return &v->snapshot->sites[v->rows[row]];
}

static void names_begin(struct sites_view *v)
{
	v->names_until_ns = clock_monotonic_ns() + NAMES_BUDGET_NS;
}

static void grow_named(struct sites_view *v, uint32_t site)
{
	size_t size = v->named_size ? v->named_size : 256;

	while (size <= site)
		size *= 2;
	v->named = xrealloc(v->named, size);
	memset(v->named + v->named_size, 0, size - v->named_size);
	v->named_size = size;
}

/* NULL while the time for new names is used up. */
static const struct stack_names *find_names(struct sites_view *v, const struct snapshot_site *site)
{
	if (site->site >= v->named_size)
		grow_named(v, site->site);
	if (!v->named[site->site] && clock_monotonic_ns() > v->names_until_ns)
		return NULL;
	v->named[site->site] = 1;
	return v->names(v->context, site);
}

static bool frame_contains(const struct frame_name *frame, const char *text)
{
	return (frame->function && text_contains(frame->function, text)) ||
	       (frame->module && text_contains(frame->module, text));
}

static bool names_contain(const struct stack_names *names, const char *text)
{
	size_t i;

	for (i = 0; i < names->frame_count; i++) {
		if (frame_contains(&names->frames[i], text))
			return true;
	}
	return false;
}

static bool site_passes(struct sites_view *v, const struct snapshot_site *site)
{
	const struct stack_names *names;

	if (!v->filter[0])
		return true;
	names = find_names(v, site);
	if (!names)
		v->unnamed++;
	return names && names_contain(names, v->filter);
}

static void place_cursor(struct sites_view *v)
{
	size_t i;

	if (!v->follows) {
		list_home(&v->list);
		return;
	}
	for (i = 0; i < v->list.count; i++) {
		if (row_site(v, i)->site == v->cursor_site) {
			list_select(&v->list, i);
			return;
		}
	}
}

static void take_rows(struct sites_view *v)
{
	size_t i, count = 0, total = v->snapshot ? v->snapshot->site_count : 0;

	if (total > v->row_capacity) {
		v->rows = xrealloc(v->rows, total * sizeof(*v->rows));
		v->row_capacity = total;
	}
	v->unnamed = 0;
	names_begin(v);
	for (i = 0; i < total; i++) {
		if (site_passes(v, &v->snapshot->sites[i]))
			v->rows[count++] = i;
	}
	list_set_count(&v->list, count);
	place_cursor(v);
}

void sites_view_set(struct sites_view *v, struct snapshot *snapshot)
{
	v->snapshot = snapshot;
	if (snapshot)
		snapshot_sort(snapshot, v->sort, v->inverted);
	take_rows(v);
}

void sites_view_sort(struct sites_view *v, enum sort_key key, bool inverted)
{
	v->sort = key;
	v->inverted = inverted;
	/* Who asks for another order wants to see what comes first in it. */
	v->follows = false;
	sites_view_set(v, v->snapshot);
}

void sites_view_filter(struct sites_view *v, const char *text)
{
	snprintf(v->filter, sizeof(v->filter), "%s", text);
	take_rows(v);
}

static bool row_matches(void *context, size_t row)
{
	struct sites_view *v = context;
	const struct stack_names *names = find_names(v, row_site(v, row));

	return names && names_contain(names, v->search);
}

bool sites_view_search(struct sites_view *v, const char *text, bool stay)
{
	size_t from = v->list.selected, row;

	snprintf(v->search, sizeof(v->search), "%s", text);
	if (!v->list.count || !v->search[0])
		return false;
	names_begin(v);
	if (stay)
		from = from ? from - 1 : v->list.count - 1;
	if (!list_find(&v->list, from, row_matches, v, &row))
		return false;
	list_select(&v->list, row);
	sites_view_moved(v);
	v->follows = true;
	return true;
}

void sites_view_moved(struct sites_view *v)
{
	const struct snapshot_site *site = sites_view_selected(v);

	v->follows = site && v->list.selected > 0;
	v->cursor_site = site ? site->site : 0;
}

const struct snapshot_site *sites_view_selected(const struct sites_view *v)
{
	return v->snapshot && v->list.count ? row_site(v, v->list.selected) : NULL;
}

static enum style verdict_style(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_LEAK: return STYLE_BAD;
	case VERDICT_GROWING: return STYLE_WARN;
	case VERDICT_STEADY: return STYLE_GOOD;
	default: return STYLE_FAINT;
	}
}

static void add_growth(struct buffer *out, double growth, enum style *style)
{
	char text[16];

	if (isnan(growth))
		return;
	if (growth >= 1)
		*style = STYLE_WARN;
	buffer_add_string(out, units_signed_bytes(growth, text, sizeof(text)));
}

/* The short form of a long C++ name: "new[]" of "operator new[](unsigned long)". */
static void add_call(struct buffer *out, const struct snapshot_site *site)
{
	const char *name = site->call < CALL_ID_COUNT ? call_name((enum call_id)site->call) : "";
	const char *prefix = "operator ";

	if (strncmp(name, prefix, strlen(prefix)) == 0)
		name += strlen(prefix);
	buffer_add(out, name, strcspn(name, "("));
}

static void add_source(struct buffer *out, const struct frame_name *frame)
{
	const char *slash;

	if (frame->file) {
		slash = strrchr(frame->file, '/');
		buffer_add_clean(out, slash ? slash + 1 : frame->file);
		if (frame->line > 0)
			buffer_printf(out, ":%d", frame->line);
	} else if (frame->module) {
		buffer_add_char(out, '[');
		buffer_add_clean(out, frame->module);
		buffer_add_char(out, ']');
	}
}

static void add_names(struct sites_view *v, const struct snapshot_site *site,
		      enum site_column column, struct buffer *out)
{
	const struct stack_names *names = find_names(v, site);
	const struct frame_name *frame = names ? frames_function(names) : NULL;

	if (!names)
		buffer_add_string(out, "...");
	else if (!frame)
		buffer_add_string(out, column == COLUMN_FUNCTION ? "[stack not known]" : "");
	else if (column == COLUMN_FUNCTION)
		frames_add_short(out, frame);
	else
		add_source(out, frame);
}

static void add_cell(void *context, size_t row, size_t column, struct buffer *out,
		     enum style *style)
{
	struct sites_view *v = context;
	const struct snapshot_site *site = row_site(v, row);
	const struct totals *t = &site->totals;
	char text[16];

	if (t->outstanding_count == 0)
		*style = STYLE_FAINT;
	switch ((enum site_column)column) {
	case COLUMN_RANK: buffer_printf(out, "%zu", row + 1); break;
	case COLUMN_PROCESS:
		if (site->process < v->snapshot->process_count)
			buffer_printf(out, "%u", v->snapshot->processes[site->process].pid);
		break;
	case COLUMN_OUTSTANDING:
		buffer_add_string(out, units_bytes(t->outstanding_bytes, text, sizeof(text)));
		*style = t->outstanding_count ? STYLE_STRONG : STYLE_FAINT;
		break;
	case COLUMN_COUNT:
		buffer_add_string(out, units_count(t->outstanding_count, text, sizeof(text)));
		break;
	case COLUMN_GROWTH: add_growth(out, site->growth_bytes_per_s, style); break;
	case COLUMN_RATE:
		units_count((uint64_t)fmax(site->allocs_per_s + 0.5, 0), text, sizeof(text));
		buffer_add_string(out, text);
		break;
	case COLUMN_OLDEST:
		if (site->oldest_s >= 0)
			buffer_add_string(out, units_duration(site->oldest_s, text, sizeof(text)));
		break;
	case COLUMN_PEAK:
		buffer_add_string(out, units_bytes(t->peak_bytes, text, sizeof(text)));
		break;
	case COLUMN_VERDICT:
		buffer_printf(out, "%-7s %3.0f", verdict_name(site->verdict), site->score);
		*style = verdict_style(site->verdict);
		break;
	case COLUMN_API: add_call(out, site); break;
	default: add_names(v, site, (enum site_column)column, out); break;
	}
}

static void draw_empty(const struct sites_view *v, const struct theme *theme, int y, int width)
{
	const char *text = "no allocation seen yet";
	struct line l;

	if (v->unnamed)
		text = "looking up names...";
	else if (v->filter[0])
		text = "no call site matches the filter (Esc: show all)";
	line_begin(&l, theme, y, width, STYLE_NORMAL);
	line_cut(&l, STYLE_FAINT, text, 0);
}

void sites_view_draw(struct sites_view *v, const struct theme *theme, int y, int width, int height)
{
	bool several = v->snapshot && v->snapshot->process_count > 1;

	v->list.hidden = several ? 0 : 1u << COLUMN_PROCESS;
	list_set_width(&v->list, width);
	list_set_height(&v->list, height > 1 ? (size_t)height - 1 : 0);
	v->list.sort = (int)v->sort;
	v->list.ascending = v->inverted;
	names_begin(v);
	list_draw(&v->list, theme, y, width, add_cell, v);
	if (!v->list.count && height > 1)
		draw_empty(v, theme, y + 1, width);
}
