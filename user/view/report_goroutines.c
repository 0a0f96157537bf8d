/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report_goroutines.h"

#include <inttypes.h>
#include "../analyse/goroutines.h"
#include "../base/units.h"
#include "goroutine_names.h"

void report_goroutines(struct buffer *out, const struct snapshot_process *p)
{
	const struct goroutine_figures *g = &p->goroutines;
	char text[16];

	buffer_printf(out, "%" PRIu64 " goroutines in %" PRIu64 " groups", p->go.goroutines,
		      g->groups);
	if (!g->whole)
		buffer_add_string(out, ", still being read for the first time");
	if (g->left_out)
		buffer_printf(out, "; %" PRIu64 " are in none of those shown", g->left_out);
	if (g->round_s > 0)
		buffer_printf(out,
			      "; there are so many that each is looked at every %s: what is said "
			      "of them is up to that old",
			      units_duration(g->round_s, text, sizeof(text)));
	if (g->leak_count)
		buffer_printf(out, "; %" PRIu32 " of the groups leak", g->leak_count);
}

static void add_place(struct buffer *out, const struct frame_name *frame)
{
	if (!frame || !frame->file)
		return;
	buffer_add_string(out, " (");
	goroutine_add_source(out, frame);
	buffer_add_char(out, ')');
}

static void add_origin(struct buffer *out, const struct stack_names *names,
		       const struct snapshot_goroutines *row)
{
	goroutine_add_function(out, names, row);
	add_place(out, goroutine_function(names, row));
	buffer_add_string(out, ", started by ");
	goroutine_add_creator(out, names, row);
	add_place(out, goroutine_creator(names, row));
}

static void add_row(struct buffer *out, const struct snapshot_goroutines *row,
		    const struct stack_names *names)
{
	char text[16];

	buffer_printf(out, "\t\t%" PRIu64 " ", row->count);
	buffer_add_clean(out, row->reason);
	if (row->longest_wait_s >= 0)
		buffer_printf(out, ", at least one for %s",
			      units_duration(row->longest_wait_s, text, sizeof(text)));
	buffer_add_string(out, ": ");
	add_origin(out, names, row);
	buffer_add_string(out, "\n\t\t\t[");
	buffer_add_string(out, row->verdict == VERDICT_LEAK ? "goroutine leak"
							    : verdict_name(row->verdict));
	if (row->score > 0)
		buffer_printf(out, ", score %.0f", row->score);
	buffer_add_string(out, ": ");
	goroutines_add_reasons(out, row);
	buffer_add_string(out, "]\n");
}

void report_add_goroutines(struct buffer *out, const struct snapshot *s, uint32_t process,
			   const struct report_options *options, void *context)
{
	const struct snapshot_process *p = &s->processes[process];
	bool all = options->verbose;
	uint64_t left = options->top;
	size_t i;

	if (!options->goroutine_names || !p->goroutines.known ||
	    !(all || p->go_only || p->goroutines.leak_count))
		return;
	buffer_printf(out, "\t(%" PRIu32 " ", p->pid);
	buffer_add_clean(out, p->comm);
	buffer_add_string(out, ": ");
	report_goroutines(out, p);
	buffer_add_string(out, ")\n");
	for (i = 0; i < s->goroutine_count && left; i++) {
		const struct snapshot_goroutines *row = &s->goroutines[i];

		if (row->process != process || !(all || row->verdict == VERDICT_LEAK))
			continue;
		add_row(out, row, options->goroutine_names(context, s, row));
		left--;
	}
}
