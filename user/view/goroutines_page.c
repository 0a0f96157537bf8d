/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "goroutines_page.h"

#include <inttypes.h>
#include "../analyse/goroutines.h"
#include "../base/mix.h"
#include "../base/units.h"
#include "figures.h"
#include "frames.h"
#include "goroutine_names.h"
#include "report_goroutines.h"

#define INDENT 4

uint64_t goroutines_key(const struct snapshot *s, const struct snapshot_goroutines *row)
{
	uint64_t place =
		mix_u64(mix_u64(s->processes[row->process].number, row->creator), row->start);

	return mix_text(place, row->reason);
}

const struct stack_names *goroutines_names(const struct view_data *d,
					   const struct snapshot_goroutines *row)
{
	static const struct stack_names none;

	if (!d->sources->goroutine_names)
		return &none;
	return d->sources->goroutine_names(d->sources->context, d->snapshot, row);
}

static void add_frame(struct pager *p, const char *label, const struct frame_name *frame,
		      const char *otherwise)
{
	struct buffer text = {0};

	pager_add(p, STYLE_NORMAL, 0, 0, "");
	pager_add(p, STYLE_TITLE, 0, 0, label);
	if (!frame) {
		pager_add(p, STYLE_NORMAL, INDENT, 4, otherwise);
		return;
	}
	frames_add(&text, frame);
	pager_add(p, STYLE_NORMAL, INDENT, 4, text.data);
	buffer_done(&text);
}

static void add_verdict(struct pager *p, const struct snapshot_goroutines *row)
{
	struct buffer text = {0};

	goroutines_add_reasons(&text, row);
	pager_add(p, STYLE_NORMAL, 0, 0, "");
	pager_printf(p, figure_verdict_style(row->verdict), 0, 2, "%s%s%s: %s",
		     row->verdict == VERDICT_LEAK ? "goroutine " : "", verdict_name(row->verdict),
		     row->verdict == VERDICT_LEAK ? " (they grow in number and do not end)" : "",
		     text.data);
	buffer_done(&text);
}

static void fill(struct pager *p, const struct view_data *d, const struct snapshot_goroutines *row)
{
	const struct snapshot_process *process = &d->snapshot->processes[row->process];
	const struct stack_names *names = goroutines_names(d, row);
	struct buffer text = {0};
	char wait[16];

	pager_printf(p, STYLE_TITLE, 0, 2, "%" PRIu64 " goroutines: %s", row->count, row->reason);
	if (row->longest_wait_s >= 0)
		pager_printf(p, STYLE_NORMAL, INDENT, 4,
			     "At least one has waited for %s: so long ago a collection saw it.",
			     units_duration(row->longest_wait_s, wait, sizeof(wait)));
	add_verdict(p, row);
	add_frame(p, "What they run", goroutine_function(names, row),
		  row->start ? "not known" : "a call from C into Go");
	add_frame(p, "The go statement that started them", goroutine_creator(names, row),
		  row->creator ? "not known" : "none of the program's");
	report_goroutines(&text, process);
	pager_add(p, STYLE_NORMAL, 0, 0, "");
	pager_printf(p, STYLE_TITLE, 0, 2, "%s (%" PRIu32 ")", process->comm, process->pid);
	pager_add(p, STYLE_NORMAL, INDENT, 4, text.data);
	buffer_done(&text);
}

bool goroutines_page_fill(struct pager *p, const struct view_data *d, uint64_t key)
{
	const struct snapshot *s = d->snapshot;
	size_t i;

	for (i = 0; s && i < s->goroutine_count; i++) {
		if (goroutines_key(s, &s->goroutines[i]) == key) {
			fill(p, d, &s->goroutines[i]);
			return true;
		}
	}
	return false;
}
