/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of --alert that have fired, the newest first. */
#include <string.h>
#include <time.h>
#include "../base/clock.h"
#include "../base/mix.h"
#include "figures.h"
#include "kinds.h"
#include "text.h"

#define ALERTS_MOST 64

enum alert_column {
	COLUMN_TIME,
	COLUMN_AGO,
	COLUMN_PID,
	COLUMN_COMM,
	COLUMN_VALUE,
	COLUMN_RULE,
	COLUMN_COUNT_OF
};

static const struct list_column columns[COLUMN_COUNT_OF] = {
	[COLUMN_TIME] = {"TIME", 8, 0, 2, true, GRID_SORT_TIME},
	[COLUMN_AGO] = {"AGO", 7, 0, 3, true, -1},
	[COLUMN_PID] = {"PID", 8, 0, 0, true, GRID_SORT_ID},
	[COLUMN_COMM] = {"COMMAND", 15, 0, 1, false, -1},
	[COLUMN_VALUE] = {"VALUE", 9, 0, 0, true, -1},
	[COLUMN_RULE] = {"RULE", 16, 1, 0, false, -1},
};

struct alerts {
	struct view_alert v[ALERTS_MOST];
};

static const struct view_alert *alert_of(const struct grid *t, size_t row)
{
	return &((const struct alerts *)t->own)->v[row];
}

static size_t take_rows(struct grid *t)
{
	const struct screen_sources *sources = t->data->sources;
	struct alerts *alerts = grid_own(t, sizeof(*alerts));

	if (!sources->alerts)
		return 0;
	return sources->alerts(sources->context, alerts->v, ALERTS_MOST);
}

/* At most one of a rule and a process in one moment. */
static uint64_t key(const struct grid *t, size_t row)
{
	const struct view_alert *a = alert_of(t, row);

	return mix_text(mix_u64(a->realtime_ns, a->pid), a->rule);
}

static double value(const struct grid *t, size_t row, int sort)
{
	const struct view_alert *a = alert_of(t, row);

	return sort == GRID_SORT_ID ? a->pid : (double)a->realtime_ns;
}

static void add_time(struct buffer *out, uint64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / NS_PER_S);
	struct tm tm;
	char text[16] = "";

	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	buffer_add_string(out, text);
}

static void cell(struct grid *t, size_t row, size_t column, struct buffer *out, enum style *style)
{
	const struct view_alert *a = alert_of(t, row);
	uint64_t now = t->data->snapshot->realtime_ns;

	switch ((enum alert_column)column) {
	case COLUMN_TIME: add_time(out, a->realtime_ns); break;
	case COLUMN_AGO:
		if (now >= a->realtime_ns)
			figure_age(out, (double)(now - a->realtime_ns) / NS_PER_S);
		break;
	case COLUMN_PID:
		if (a->pid)
			buffer_printf(out, "%u", a->pid);
		break;
	case COLUMN_COMM: buffer_add_clean(out, a->comm); break;
	case COLUMN_VALUE:
		buffer_add_string(out, a->value);
		*style = STYLE_BAD;
		break;
	default: buffer_add_clean(out, a->rule); break;
	}
}

static int match(struct grid *t, size_t row, const char *text)
{
	return text_contains(alert_of(t, row)->rule, text) ||
	       text_contains(alert_of(t, row)->comm, text);
}

const struct grid_kind alerts_kind = {
	.name = "Alerts",
	.noun = "alert",
	.empty = "no alert has fired (rules are given by --alert)",
	.columns = columns,
	.column_count = COLUMN_COUNT_OF,
	.first_sort = GRID_SORT_TIME,
	.rows = take_rows,
	.key = key,
	.value = value,
	.cell = cell,
	.match = match,
};
