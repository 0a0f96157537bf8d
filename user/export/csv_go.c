/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "csv_go.h"

#include <inttypes.h>
#include "../base/clock.h"
#include "csv.h"
#include "number.h"

#define ADD_u64(out, v)	 buffer_printf(out, ",%" PRIu64, v)
#define ADD_u32(out, v)	 buffer_printf(out, ",%" PRIu32, v)
#define ADD_s64(out, v)	 buffer_printf(out, ",%" PRId64, v)
#define ADD_flag(out, v) buffer_printf(out, ",%d", (v) ? 1 : 0)
#define ADD_real(out, v) buffer_printf(out, ",%.17g", v)

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
		buffer_add_char(out, '\n');
	}
}
