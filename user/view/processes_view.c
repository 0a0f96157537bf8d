/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The traced processes: a row each, those that have ended included. */
#include "figures.h"
#include "kinds.h"
#include "text.h"

enum process_column {
	COLUMN_PID,
	COLUMN_OUTSTANDING,
	COLUMN_COUNT,
	COLUMN_GROWTH,
	COLUMN_RSS,
	COLUMN_RATE,
	COLUMN_FREES,
	COLUMN_PEAK,
	COLUMN_SITES,
	COLUMN_LEAKS,
	COLUMN_LOST,
	COLUMN_COMM,
	COLUMN_COUNT_OF
};

static const struct list_column columns[COLUMN_COUNT_OF] = {
	[COLUMN_PID] = {"PID", 8, 0, 0, true, GRID_SORT_ID},
	[COLUMN_OUTSTANDING] = {"OUTSTAND", 9, 0, 0, true, SORT_OUTSTANDING},
	[COLUMN_COUNT] = {"COUNT", 6, 0, 5, true, SORT_COUNT},
	[COLUMN_GROWTH] = {"GROWTH", 7, 0, 2, true, SORT_GROWTH},
	[COLUMN_RSS] = {"RSS", 6, 0, 1, true, GRID_SORT_RSS},
	[COLUMN_RATE] = {"ALLOC/S", 8, 0, 3, true, SORT_RATE},
	[COLUMN_FREES] = {"FREE/S", 7, 0, 6, true, GRID_SORT_FREES},
	[COLUMN_PEAK] = {"PEAK", 6, 0, 9, true, SORT_PEAK},
	[COLUMN_SITES] = {"SITES", 6, 0, 8, true, GRID_SORT_SITES},
	[COLUMN_LEAKS] = {"LEAKS", 6, 0, 7, true, GRID_SORT_LEAKS},
	[COLUMN_LOST] = {"LOST", 6, 0, 4, true, GRID_SORT_LOST},
	[COLUMN_COMM] = {"COMMAND", 15, 1, 0, false, -1},
};

static const struct snapshot_process *process_of(const struct grid *t, size_t row)
{
	return &t->data->snapshot->processes[row];
}

static size_t count_rows(struct grid *t)
{
	return t->data->snapshot->process_count;
}

static uint64_t key(const struct grid *t, size_t row)
{
	return process_of(t, row)->index;
}

static double value(const struct grid *t, size_t row, int sort)
{
	const struct snapshot_process *p = process_of(t, row);
	const struct amounts a = amounts_of(&p->totals, p->change);

	switch (sort) {
	case GRID_SORT_ID: return p->pid;
	case SORT_COUNT: return (double)a.count;
	case SORT_GROWTH: return p->growth_bytes_per_s;
	case GRID_SORT_RSS: return p->rss_bytes == UINT64_MAX ? 0 : (double)p->rss_bytes;
	case SORT_RATE: return p->allocs_per_s;
	case GRID_SORT_FREES: return p->frees_per_s;
	case SORT_PEAK: return (double)p->totals.peak_bytes;
	case GRID_SORT_SITES: return p->site_count;
	case GRID_SORT_LEAKS: return p->leak_site_count;
	case GRID_SORT_LOST: return (double)p->lost_events;
	default: return (double)a.bytes;
	}
}

static void cell(struct grid *t, size_t row, size_t column, struct buffer *out, enum style *style)
{
	const struct snapshot_process *p = process_of(t, row);
	const struct amounts a = amounts_of(&p->totals, p->change);

	if (p->exited)
		*style = STYLE_FAINT;
	switch ((enum process_column)column) {
	case COLUMN_PID: buffer_printf(out, "%u", p->pid); break;
	case COLUMN_OUTSTANDING:
		figure_amount_bytes(out, &a);
		*style = p->exited ? STYLE_FAINT : STYLE_STRONG;
		break;
	case COLUMN_COUNT: figure_amount_count(out, &a); break;
	case COLUMN_GROWTH: figure_growth(out, p->growth_bytes_per_s, style); break;
	case COLUMN_RSS:
		if (p->rss_bytes != UINT64_MAX)
			figure_bytes(out, p->rss_bytes);
		break;
	case COLUMN_RATE: figure_rate(out, p->allocs_per_s); break;
	case COLUMN_FREES: figure_rate(out, p->frees_per_s); break;
	case COLUMN_PEAK: figure_bytes(out, p->totals.peak_bytes); break;
	case COLUMN_SITES: figure_count(out, p->site_count); break;
	case COLUMN_LEAKS:
		figure_count(out, p->leak_site_count);
		*style = p->leak_site_count ? STYLE_BAD : *style;
		break;
	case COLUMN_LOST:
		figure_count(out, p->lost_events);
		*style = p->lost_events ? STYLE_BAD : *style;
		break;
	default:
		buffer_add_clean(out, p->comm);
		buffer_add_string(out, p->exited ? " (ended)" : "");
		break;
	}
}

static int match(struct grid *t, size_t row, const char *text)
{
	return text_contains(process_of(t, row)->comm, text);
}

const struct grid_kind processes_kind = {
	.name = "Processes",
	.noun = "process",
	.empty = "no process is traced",
	.columns = columns,
	.column_count = COLUMN_COUNT_OF,
	.first_sort = SORT_OUTSTANDING,
	.rows = count_rows,
	.key = key,
	.value = value,
	.cell = cell,
	.match = match,
};
