/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of the collector of a Go program, in the batch report and on the page of the process. */
#ifndef VIEW_REPORT_GC_H
#define VIEW_REPORT_GC_H

#include "../analyse/snapshot.h"
#include "../base/buffer.h"

/* Adds a sentence without an end, or nothing. */
typedef void report_gc_line(struct buffer *out, const struct snapshot_process *p);
enum {
	REPORT_GC_CYCLES, /* and allocation */
	REPORT_GC_PAUSES,
	REPORT_GC_LIVE,
	REPORT_GC_CPU,
	REPORT_GC_LINES
};
extern report_gc_line *const report_gc_lines[REPORT_GC_LINES];

#endif /* VIEW_REPORT_GC_H */
