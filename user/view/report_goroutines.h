/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of the batch report about goroutines, and about the heaps of Go and C in one process. */
#ifndef VIEW_REPORT_GOROUTINES_H
#define VIEW_REPORT_GOROUTINES_H

#include "report.h"

/* Of a process, by its index: with -v the largest groups, else those that leak. */
void report_add_goroutines(struct buffer *out, const struct snapshot *s, uint32_t process,
			   const struct report_options *options, void *context);
/* In words, one line without its end: how many groups, and what is not in them. */
void report_goroutines(struct buffer *out, const struct snapshot_process *p);

#endif /* VIEW_REPORT_GOROUTINES_H */
