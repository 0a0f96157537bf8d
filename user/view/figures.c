/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words and numbers of cells. Names come from the target and are cleaned where they are added. */
#include "figures.h"

#include <math.h>
#include <string.h>
#include "../base/units.h"
#include "../probe/plan.h"
#include "frames.h"
#include "grid.h"

#define FUNCTION_MOST 160 /* bytes from which on callers are left out */

struct amounts amounts_of(const struct totals *totals, const struct change *change)
{
	if (change)
		return (struct amounts){.bytes = change->outstanding_bytes,
					.count = change->outstanding_count,
					.alloc_bytes = change->alloc_bytes,
					.alloc_count = change->alloc_count,
					.free_bytes = change->free_bytes,
					.free_count = change->free_count,
					.temporary_count = change->temporary_count,
					.changes = true};
	return (struct amounts){.bytes = (int64_t)totals->outstanding_bytes,
				.count = (int64_t)totals->outstanding_count,
				.alloc_bytes = (int64_t)totals->alloc_bytes,
				.alloc_count = (int64_t)totals->alloc_count,
				.free_bytes = (int64_t)totals->free_bytes,
				.free_count = (int64_t)totals->free_count,
				.temporary_count = (int64_t)totals->temporary_count};
}

void amounts_add(struct amounts *to, const struct amounts *a)
{
	to->bytes += a->bytes;
	to->count += a->count;
	to->alloc_bytes += a->alloc_bytes;
	to->alloc_count += a->alloc_count;
	to->free_bytes += a->free_bytes;
	to->free_count += a->free_count;
	to->temporary_count += a->temporary_count;
	to->changes |= a->changes;
}

void site_sums_add(struct site_sums *sums, const struct snapshot_site *site)
{
	const struct amounts a = amounts_of(&site->totals, site->change);

	amounts_add(&sums->amounts, &a);
	if (!isnan(site->growth_bytes_per_s))
		sums->growth += site->growth_bytes_per_s;
	sums->rate += site->allocs_per_s;
	if (!sums->sites || site->oldest_s > sums->oldest_s)
		sums->oldest_s = site->oldest_s;
	sums->sites++;
	sums->leaks += site->verdict == VERDICT_LEAK;
	if (!sums->largest || a.bytes > sums->largest_bytes) {
		sums->largest = site->site;
		sums->largest_bytes = a.bytes;
	}
}

void site_sums_merge(struct site_sums *to, const struct site_sums *sums)
{
	if (!sums->sites)
		return;
	amounts_add(&to->amounts, &sums->amounts);
	to->growth += sums->growth;
	to->rate += sums->rate;
	if (!to->sites || sums->oldest_s > to->oldest_s)
		to->oldest_s = sums->oldest_s;
	to->sites += sums->sites;
	to->leaks += sums->leaks;
	if (!to->largest || sums->largest_bytes > to->largest_bytes) {
		to->largest = sums->largest;
		to->largest_bytes = sums->largest_bytes;
	}
}

double site_sums_value(const struct site_sums *sums, int sort)
{
	double allocs = (double)sums->amounts.alloc_count;

	switch (sort) {
	case SORT_COUNT: return (double)sums->amounts.count;
	case SORT_GROWTH: return sums->growth;
	case SORT_RATE: return sums->rate;
	case SORT_OLDEST: return sums->oldest_s;
	case GRID_SORT_TEMPORARY:
		return allocs > 0 ? (double)sums->amounts.temporary_count / allocs : 0;
	case GRID_SORT_ALLOCATED: return (double)sums->amounts.alloc_bytes;
	case GRID_SORT_SITES: return sums->sites;
	case GRID_SORT_LEAKS: return sums->leaks;
	default: return (double)sums->amounts.bytes;
	}
}

void site_sums_cell(struct buffer *out, const struct site_sums *sums, int sort, enum style *style)
{
	switch (sort) {
	case SORT_COUNT: figure_amount_count(out, &sums->amounts); break;
	case SORT_GROWTH: figure_growth(out, sums->growth, style); break;
	case SORT_RATE: figure_rate(out, sums->rate); break;
	case SORT_OLDEST: figure_age(out, sums->oldest_s); break;
	case GRID_SORT_TEMPORARY:
		figure_share(out, (double)sums->amounts.temporary_count,
			     (double)sums->amounts.alloc_count);
		break;
	case GRID_SORT_SITES: figure_count(out, sums->sites); break;
	case GRID_SORT_LEAKS:
		figure_count(out, sums->leaks);
		*style = sums->leaks ? STYLE_BAD : STYLE_NORMAL;
		break;
	default:
		figure_amount_bytes(out, &sums->amounts);
		*style = STYLE_STRONG;
		break;
	}
}

void figure_signed_count(struct buffer *out, int64_t count)
{
	char text[16];
	uint64_t size = count < 0 ? (uint64_t)-count : (uint64_t)count;

	units_count(size, text, sizeof(text));
	buffer_printf(out, "%s%s", count < 0 ? "-" : count > 0 ? "+" : "", text);
}

void figure_amount_bytes(struct buffer *out, const struct amounts *a)
{
	char text[16];

	if (a->changes)
		buffer_add_string(out, units_signed_bytes((double)a->bytes, text, sizeof(text)));
	else
		figure_bytes(out, (uint64_t)a->bytes);
}

void figure_amount_count(struct buffer *out, const struct amounts *a)
{
	if (a->changes)
		figure_signed_count(out, a->count);
	else
		figure_count(out, (uint64_t)a->count);
}

enum style figure_verdict_style(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_LEAK: return STYLE_BAD;
	case VERDICT_GROWING: return STYLE_WARN;
	case VERDICT_STEADY: return STYLE_GOOD;
	default: return STYLE_FAINT;
	}
}

void figure_bytes(struct buffer *out, uint64_t bytes)
{
	char text[16];

	buffer_add_string(out, units_bytes(bytes, text, sizeof(text)));
}

void figure_count(struct buffer *out, uint64_t count)
{
	char text[16];

	buffer_add_string(out, units_count(count, text, sizeof(text)));
}

void figure_growth(struct buffer *out, double growth, enum style *style)
{
	char text[16];

	if (isnan(growth))
		return;
	if (growth >= 1)
		*style = STYLE_WARN;
	buffer_add_string(out, units_signed_bytes(growth, text, sizeof(text)));
}

void figure_rate(struct buffer *out, double per_second)
{
	figure_count(out, (uint64_t)fmax(per_second + 0.5, 0));
}

void figure_age(struct buffer *out, double seconds)
{
	char text[16];

	if (seconds >= 0)
		buffer_add_string(out, units_duration(seconds, text, sizeof(text)));
}

void figure_time(struct buffer *out, double seconds)
{
	if (seconds < 0)
		return;
	if (seconds < 1e-3)
		buffer_printf(out, "%.3gus", seconds * 1e6);
	else if (seconds < 1)
		buffer_printf(out, "%.3gms", seconds * 1e3);
	else
		figure_age(out, seconds);
}

void figure_share(struct buffer *out, double part, double whole)
{
	if (whole > 0 && part >= 0)
		buffer_printf(out, "%.1f", fmin(fmax(100 * part / whole, 0), 100));
}

void figure_call(struct buffer *out, uint8_t call)
{
	const char *name = call < CALL_ID_COUNT ? call_name((enum call_id)call) : "";
	const char *prefix = "operator ";

	if (strncmp(name, prefix, strlen(prefix)) == 0)
		name += strlen(prefix);
	buffer_add(out, name, strcspn(name, "("));
}

/* What called it, as far as there is room: many sites differ only there. */
static void add_callers(struct buffer *out, const struct stack_names *names)
{
	size_t i;

	for (i = names->function_frame + 1; i < names->frame_count && out->length < FUNCTION_MOST;
	     i++) {
		buffer_add_string(out, " < ");
		frames_add_short(out, &names->frames[i]);
	}
}

void figure_function(struct buffer *out, struct view_data *data, const struct snapshot_site *site)
{
	const struct stack_names *names = view_data_names(data, site);
	const struct frame_name *frame = names ? frames_function(names) : NULL;

	if (!names) {
		buffer_add_string(out, "...");
	} else if (!frame) {
		buffer_add_string(out, "[stack not known]");
	} else {
		frames_add_short(out, frame);
		add_callers(out, names);
	}
}

void figure_source(struct buffer *out, struct view_data *data, const struct snapshot_site *site)
{
	const struct stack_names *names = view_data_names(data, site);
	const struct frame_name *frame = names ? frames_function(names) : NULL;
	const char *slash;

	if (!names)
		buffer_add_string(out, "...");
	else if (frame && frame->file) {
		slash = strrchr(frame->file, '/');
		buffer_add_clean(out, slash ? slash + 1 : frame->file);
		if (frame->line > 0)
			buffer_printf(out, ":%d", frame->line);
	} else if (frame && frame->module) {
		buffer_add_char(out, '[');
		buffer_add_clean(out, frame->module);
		buffer_add_char(out, ']');
	}
}
