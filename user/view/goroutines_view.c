/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Goroutines of Go programs by what they do and where they come from: rows of snapshot.goroutines. */
#include "figures.h"
#include "goroutine_names.h"
#include "goroutines_page.h"
#include "kinds.h"
#include "text.h"

enum goroutine_column {
	COLUMN_PROCESS,
	COLUMN_COUNT,
	COLUMN_GROWTH,
	COLUMN_REASON,
	COLUMN_WAIT,
	COLUMN_VERDICT,
	COLUMN_FUNCTION,
	COLUMN_CREATOR,
	COLUMN_SOURCE,
	COLUMN_COUNT_OF
};

static const struct list_column columns[COLUMN_COUNT_OF] = {
	[COLUMN_PROCESS] = {"PROCESS", 7, 0, 3, true, -1},
	[COLUMN_COUNT] = {"COUNT", 7, 0, 0, true, SORT_COUNT},
	[COLUMN_GROWTH] = {"GROWTH/S", 8, 0, 1, true, SORT_GROWTH},
	[COLUMN_REASON] = {"DOES", 12, 1, 2, false, -1},
	[COLUMN_WAIT] = {"LONGEST", 7, 0, 4, true, GRID_SORT_WAIT},
	[COLUMN_VERDICT] = {"VERDICT", 11, 0, 0, false, SORT_SCORE},
	[COLUMN_FUNCTION] = {"FUNCTION", 18, 3, 0, false, -1},
	[COLUMN_CREATOR] = {"STARTED BY", 16, 2, 5, false, -1},
	[COLUMN_SOURCE] = {"AT", 12, 1, 6, false, -1},
};

static const struct snapshot_goroutines *row_of(const struct grid *t, size_t row)
{
	return &t->data->snapshot->goroutines[row];
}

static const struct stack_names *names_of(const struct grid *t, size_t row)
{
	return goroutines_names(t->data, row_of(t, row));
}

static size_t take_rows(struct grid *t)
{
	grid_hide_process(t, COLUMN_PROCESS);
	return t->data->snapshot->goroutine_count;
}

static uint64_t key(const struct grid *t, size_t row)
{
	return goroutines_key(t->data->snapshot, row_of(t, row));
}

static double value(const struct grid *t, size_t row, int sort)
{
	const struct snapshot_goroutines *r = row_of(t, row);

	switch (sort) {
	case SORT_GROWTH: return r->trend.slope;
	case GRID_SORT_WAIT: return r->longest_wait_s;
	case SORT_SCORE: return r->score;
	default: return (double)r->count;
	}
}

static void add_growth(struct buffer *out, const struct snapshot_goroutines *r, enum style *style)
{
	if (r->trend.slope == 0)
		return;
	buffer_printf(out, "%+.3g", r->trend.slope);
	if (r->trend.slope > 0)
		*style = STYLE_WARN;
}

static void add_verdict(struct buffer *out, const struct snapshot_goroutines *r, enum style *style)
{
	buffer_add_string(out, verdict_name(r->verdict));
	if (r->score >= 0.5)
		buffer_printf(out, " %.0f", r->score);
	*style = figure_verdict_style(r->verdict);
}

static void cell(struct grid *t, size_t row, size_t column, struct buffer *out, enum style *style)
{
	const struct snapshot *s = t->data->snapshot;
	const struct snapshot_goroutines *r = row_of(t, row);

	switch ((enum goroutine_column)column) {
	case COLUMN_PROCESS: buffer_printf(out, "%u", s->processes[r->process].pid); break;
	case COLUMN_COUNT:
		figure_count(out, r->count);
		*style = STYLE_STRONG;
		break;
	case COLUMN_GROWTH: add_growth(out, r, style); break;
	case COLUMN_REASON: buffer_add_clean(out, r->reason); break;
	case COLUMN_WAIT: figure_age(out, r->longest_wait_s); break;
	case COLUMN_VERDICT: add_verdict(out, r, style); break;
	case COLUMN_FUNCTION: goroutine_add_function(out, names_of(t, row), r); break;
	case COLUMN_CREATOR: goroutine_add_creator(out, names_of(t, row), r); break;
	default: goroutine_add_source(out, goroutine_creator(names_of(t, row), r)); break;
	}
}

static int match(struct grid *t, size_t row, const char *text)
{
	const struct stack_names *names = names_of(t, row);
	size_t i;

	if (text_contains(row_of(t, row)->reason, text))
		return 1;
	for (i = 0; i < names->frame_count; i++) {
		const struct frame_name *f = &names->frames[i];

		if ((f->function && text_contains(f->function, text)) ||
		    (f->module && text_contains(f->module, text)))
			return 1;
	}
	return names->waiting ? -1 : 0;
}

const struct grid_kind goroutines_kind = {
	.name = "Go",
	.noun = "group of goroutines",
	.empty = "no Go program whose goroutines are known is traced",
	.columns = columns,
	.column_count = COLUMN_COUNT_OF,
	.first_sort = SORT_COUNT,
	.rows = take_rows,
	.key = key,
	.value = value,
	.cell = cell,
	.match = match,
};
