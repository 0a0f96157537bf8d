/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The call sites: a row each, as in the snapshot. */
#include <math.h>
#include "figures.h"
#include "kinds.h"

enum site_column {
	COLUMN_RANK,
	COLUMN_PROCESS,
	COLUMN_OUTSTANDING,
	COLUMN_COUNT,
	COLUMN_GROWTH,
	COLUMN_RATE,
	COLUMN_OLDEST,
	COLUMN_AT_PEAK,
	COLUMN_PEAK,
	COLUMN_VERDICT,
	COLUMN_API,
	COLUMN_FUNCTION,
	COLUMN_SOURCE,
	COLUMN_COUNT_OF
};

/* Room goes to the names; what goes first when it is short is what the other columns nearly say. */
static const struct list_column columns[COLUMN_COUNT_OF] = {
	[COLUMN_RANK] = {"#", 4, 0, 9, true, -1},
	[COLUMN_PROCESS] = {"PROCESS", 7, 0, 3, true, -1},
	[COLUMN_OUTSTANDING] = {"OUTSTAND", 9, 0, 0, true, SORT_OUTSTANDING},
	[COLUMN_COUNT] = {"COUNT", 6, 0, 4, true, SORT_COUNT},
	[COLUMN_GROWTH] = {"GROWTH", 7, 0, 3, true, SORT_GROWTH},
	[COLUMN_RATE] = {"ALLOC/S", 8, 0, 5, true, SORT_RATE},
	[COLUMN_OLDEST] = {"OLDEST", 7, 0, 6, true, SORT_OLDEST},
	[COLUMN_AT_PEAK] = {"AT PEAK", 7, 0, 11, true, SORT_AT_PEAK},
	[COLUMN_PEAK] = {"PEAK", 6, 0, 10, true, SORT_PEAK},
	[COLUMN_VERDICT] = {"VERDICT", 11, 0, 2, false, SORT_SCORE},
	[COLUMN_API] = {"API", 14, 0, 8, false, -1},
	[COLUMN_FUNCTION] = {"FUNCTION < CALLERS", 20, 3, 0, false, -1},
	[COLUMN_SOURCE] = {"SOURCE", 16, 2, 7, false, -1},
};

static const struct snapshot_site *site_of(const struct grid *t, size_t row)
{
	return &t->data->snapshot->sites[row];
}

static size_t count_rows(struct grid *t)
{
	grid_hide_process(t, COLUMN_PROCESS);
	if (t->filter[0])
		view_data_paths(t->data);
	return t->data->snapshot->site_count;
}

static uint64_t key(const struct grid *t, size_t row)
{
	return site_of(t, row)->site;
}

static uint32_t open_site(const struct grid *t, size_t row)
{
	return site_of(t, row)->site;
}

static double value(const struct grid *t, size_t row, int sort)
{
	const struct snapshot_site *site = site_of(t, row);
	const struct amounts a = amounts_of(&site->totals, site->change);

	switch (sort) {
	case SORT_COUNT: return (double)a.count;
	case SORT_GROWTH: return site->growth_bytes_per_s;
	case SORT_SCORE: return site->score;
	case SORT_RATE: return site->allocs_per_s;
	case SORT_OLDEST: return site->oldest_s;
	case SORT_PEAK: return (double)site->totals.peak_bytes;
	case SORT_AT_PEAK: return (double)site->bytes_at_peak;
	default: return (double)a.bytes;
	}
}

static void cell(struct grid *t, size_t row, size_t column, struct buffer *out, enum style *style)
{
	const struct snapshot *s = t->data->snapshot;
	const struct snapshot_site *site = site_of(t, row);
	const struct totals *totals = &site->totals;
	const struct amounts a = amounts_of(totals, site->change);

	if (totals->outstanding_count == 0)
		*style = STYLE_FAINT;
	switch ((enum site_column)column) {
	case COLUMN_RANK: buffer_printf(out, "%u", site->rank); break;
	case COLUMN_PROCESS:
		if (site->process < s->process_count)
			buffer_printf(out, "%u", s->processes[site->process].pid);
		break;
	case COLUMN_OUTSTANDING:
		figure_amount_bytes(out, &a);
		*style = totals->outstanding_count ? STYLE_STRONG : STYLE_FAINT;
		break;
	case COLUMN_COUNT: figure_amount_count(out, &a); break;
	case COLUMN_GROWTH: figure_growth(out, site->growth_bytes_per_s, style); break;
	case COLUMN_RATE: figure_rate(out, site->allocs_per_s); break;
	case COLUMN_OLDEST: figure_age(out, site->oldest_s); break;
	case COLUMN_AT_PEAK: figure_bytes(out, site->bytes_at_peak); break;
	case COLUMN_PEAK: figure_bytes(out, totals->peak_bytes); break;
	case COLUMN_VERDICT:
		buffer_printf(out, "%-7s %3.0f", verdict_name(site->verdict), site->score);
		*style = figure_verdict_style(site->verdict);
		break;
	case COLUMN_API: figure_call(out, site->call); break;
	case COLUMN_FUNCTION: figure_function(out, t->data, site); break;
	default: figure_source(out, t->data, site); break;
	}
}

static int match(struct grid *t, size_t row, const char *text)
{
	return view_data_match(t->data, site_of(t, row), text);
}

const struct grid_kind sites_kind = {
	.name = "Sites",
	.noun = "call site",
	.empty = "no allocation seen yet",
	.columns = columns,
	.column_count = COLUMN_COUNT_OF,
	.first_sort = -1,
	.rows = count_rows,
	.key = key,
	.value = value,
	.cell = cell,
	.match = match,
	.site = open_site,
};
