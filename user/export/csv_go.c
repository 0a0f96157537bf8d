/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "csv_go.h"

#include <inttypes.h>
#include <math.h>
#include "../base/clock.h"
#include "csv.h"
#include "number.h"

#define ADD_u64(out, v)	 buffer_printf(out, ",%" PRIu64, v)
#define ADD_u32(out, v)	 buffer_printf(out, ",%" PRIu32, v)
#define ADD_s64(out, v)	 buffer_printf(out, ",%" PRId64, v)
#define ADD_flag(out, v) buffer_printf(out, ",%d", (v) ? 1 : 0)
#define ADD_real(out, v) buffer_printf(out, ",%.17g", v)

#define ADD_maybe(out, v)   add_maybe(out, v)
#define ADD_measure(out, v) add_measure(out, v)

static void add_maybe(struct buffer *out, uint64_t v)
{
	buffer_add_char(out, ',');
	if (v != UINT64_MAX)
		buffer_printf(out, "%" PRIu64, v);
}

static void add_measure(struct buffer *out, double v)
{
	buffer_add_char(out, ',');
	if (isfinite(v))
		buffer_printf(out, "%.9g", v);
}

/* Empty fields when they are not known, as in recordings from before there were such figures. */
static void add_gc(struct buffer *out, const struct go_gc *g)
{
	if (g->known) {
#define X(number, type, member, name) ADD_##type(out, g->member);
		GO_GC_FIGURES(X)
#undef X
		return;
	}
#define X(number, type, member, name) buffer_add_char(out, ',');
	GO_GC_FIGURES(X)
#undef X
}

static void add_goroutines(struct buffer *out, const struct goroutine_figures *g)
{
	if (g->known)
		buffer_printf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu32, g->groups, g->largest,
			      g->leak_count);
	else
		buffer_add_string(out, ",,,");
}

void csv_write_go(struct sink *sink, const struct export_input *in)
{
	const struct snapshot *s = in->snapshot;
	struct buffer *out = &sink->text;
	char time[25];
	size_t i;

	clock_format_utc(in->realtime_ns, time);
	for (i = 0; i < s->process_count; i++) {
		const struct snapshot_process *p = &s->processes[i];

		if (!p->go.known)
			continue;
		buffer_printf(out, "%s,", time);
		number_add(out, s->elapsed_s);
		buffer_printf(out, ",%" PRIu32, p->pid);
		csv_add_text(out, p->comm);
#define X(number, type, member, name) ADD_##type(out, p->go.member);
		GO_FIGURES(X)
#undef X
		add_gc(out, &p->go_gc);
		add_goroutines(out, &p->goroutines);
		buffer_add_char(out, '\n');
	}
}
