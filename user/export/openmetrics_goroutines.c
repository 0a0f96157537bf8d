/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The largest groups of goroutines, so that there are never more series than asked for. */
#include <inttypes.h>
#include <stdlib.h>

#include "../base/xalloc.h"
#include "../view/goroutine_names.h"
#include "openmetrics.h"
#include "openmetrics_private.h"

static const struct family groups_family = {
	"tracer_goroutine_groups", GAUGE, NULL,
	"Groups of goroutines that do the same and come from the same go statement."};
static const struct family leaks_family = {
	"tracer_goroutine_leaks", GAUGE, NULL,
	"Of them, those that grow and whose goroutines do not end."};
static const struct family group_family = {"tracer_goroutines", GAUGE, NULL,
					   "Goroutines of the largest groups."};

static bool is_known(const struct snapshot_process *p)
{
	return p->goroutines.known && !p->exited;
}

static int by_count(const void *left, const void *right)
{
	const struct snapshot_goroutines *a = *(const struct snapshot_goroutines *const *)left;
	const struct snapshot_goroutines *b = *(const struct snapshot_goroutines *const *)right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a < b ? -1 : a > b;
}

size_t openmetrics_pick_goroutines(const struct snapshot *s, uint64_t top,
				   const struct snapshot_goroutines ***rows)
{
	size_t i, count = 0;

	*rows = xcalloc(s->goroutine_count + 1, sizeof(**rows));
	for (i = 0; i < s->goroutine_count; i++) {
		if (is_known(&s->processes[s->goroutines[i].process]))
			(*rows)[count++] = &s->goroutines[i];
	}
	qsort(*rows, count, sizeof(**rows), by_count);
	return count > top ? (size_t)top : count;
}

static void add_by_process(struct page *p, const struct family *f, const struct snapshot *s)
{
	size_t i;

	openmetrics_add_family(p, f);
	for (i = 0; i < s->process_count; i++) {
		const struct goroutine_figures *g = &s->processes[i].goroutines;

		if (!is_known(&s->processes[i]))
			continue;
		buffer_add_string(p->out, f->name);
		openmetrics_add_process_labels(p, &s->processes[i]);
		buffer_printf(p->out, "} %" PRIu64 "\n",
			      f == &groups_family ? g->groups : (uint64_t)g->leak_count);
	}
}

static void add_row(struct page *p, const struct export_input *in,
		    const struct snapshot_goroutines *row)
{
	const struct stack_names *names = in->goroutine_names(in->context, in->snapshot, row);
	const struct frame_name *function = goroutine_function(names, row);
	struct buffer text = {0};

	/* what lies in no file has no id of its own, and no two series may have the same labels */
	if (row->start && !(function && function->image))
		return;

	buffer_add_string(p->out, group_family.name);
	openmetrics_add_process_labels(p, &in->snapshot->processes[row->process]);
	buffer_printf(p->out, ",origin=\"%016" PRIx64 "\"", names->site_id);
	openmetrics_add_label(p, ',', "does", row->reason);
	goroutine_add_function(&text, names, row);
	openmetrics_add_label(p, ',', "function", text.data);
	buffer_reset(&text);
	goroutine_add_creator(&text, names, row);
	openmetrics_add_label(p, ',', "creator", text.data);
	buffer_printf(p->out, "} %" PRIu64 "\n", row->count);
	buffer_done(&text);
}

void openmetrics_add_goroutines(struct page *p, const struct export_input *in, uint64_t top)
{
	const struct snapshot *s = in->snapshot;
	const struct snapshot_goroutines **rows;
	bool any = false;
	size_t i, count;

	for (i = 0; i < s->process_count; i++)
		any |= is_known(&s->processes[i]);
	if (!any || !in->goroutine_names)
		return;
	add_by_process(p, &groups_family, s);
	add_by_process(p, &leaks_family, s);
	openmetrics_add_family(p, &group_family);
	count = openmetrics_pick_goroutines(s, top, &rows);
	for (i = 0; i < count; i++)
		add_row(p, in, rows[i]);
	free(rows);
}
