/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json_goroutines.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include "../analyse/goroutines.h"
#include "../view/goroutine_names.h"
#include "json_facts.h"
#include "json_text.h"

static void add_frame(struct buffer *out, const char *key, const struct frame_name *frame,
		      uint64_t address)
{
	if (!address) {
		json_null(out, key);
		return;
	}
	json_open(out, key, '{');
	json_string(out, "function", frame ? frame->function : NULL);
	json_string(out, "module", frame ? frame->module : NULL);
	json_string(out, "source", frame ? frame->file : NULL);
	json_known_u64(out, "line", frame && frame->line > 0 ? (uint64_t)frame->line : UINT64_MAX);
	json_close(out, '}');
}

static void add_verdict(struct buffer *out, const struct snapshot_goroutines *row)
{
	struct buffer reasons = {0};

	goroutines_add_reasons(&reasons, row);
	json_number(out, "growth_per_s", row->trend.slope);
	json_number(out, "watched_s", row->watched_s);
	json_add_trend(out, "trend", &row->trend, row->watched_s);
	json_add_survival(out, &row->survival);
	json_string(out, "verdict", verdict_name(row->verdict));
	json_number(out, "leak_score", row->score);
	json_string(out, "reasons", reasons.data);
	buffer_done(&reasons);
}

static void add_group(struct buffer *out, const struct export_input *in,
		      const struct snapshot_goroutines *row)
{
	static const struct stack_names none;
	const struct stack_names *names = &none;
	char id[17];

	if (in->goroutine_names)
		names = in->goroutine_names(in->context, in->snapshot, row);
	json_open(out, NULL, '{');
	snprintf(id, sizeof(id), "%016" PRIx64, names->site_id);
	json_string(out, "origin", id);
	json_u64(out, "count", row->count);
	json_string(out, "does", row->reason);
	json_number(out, "longest_wait_s",
		    row->longest_wait_s < 0 ? (double)NAN : row->longest_wait_s);
	add_frame(out, "start", goroutine_function(names, row), row->start);
	add_frame(out, "creator", goroutine_creator(names, row), row->creator);
	add_verdict(out, row);
	json_close(out, '}');
}

void json_add_goroutines(struct buffer *out, const struct export_input *in, size_t process)
{
	const struct snapshot *s = in->snapshot;
	const struct snapshot_process *p = &s->processes[process];
	size_t i;

	if (!p->goroutines.known) {
		json_null(out, "goroutines");
		return;
	}
	json_open(out, "goroutines", '{');
	json_u64(out, "count", p->go.goroutines);
	json_u64(out, "group_count", p->goroutines.groups);
	json_u64(out, "largest", p->goroutines.largest);
	json_u64(out, "left_out", p->goroutines.left_out);
	json_bool(out, "whole", p->goroutines.whole);
	json_number(out, "round_s", p->goroutines.round_s);
	json_u64(out, "leak_groups", p->goroutines.leak_count);
	json_open(out, "groups", '[');
	for (i = 0; i < s->goroutine_count; i++) {
		if (s->goroutines[i].process == process)
			add_group(out, in, &s->goroutines[i]);
	}
	json_close(out, ']');
	json_close(out, '}');
}
