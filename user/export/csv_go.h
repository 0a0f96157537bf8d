/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Go runtimes count, a row for each Go process whose figures are known: runtime.MemStats by Go's names, then the collector and goroutines. */
#ifndef EXPORT_CSV_GO_H
#define EXPORT_CSV_GO_H

#include "sink.h"

#define CSV_GO_COLUMN(number, type, member, name) "," name
#define CSV_GO_GOROUTINES			  ",GoroutineGroups,LargestGoroutineGroup,GoroutineLeaks"
#define CSV_GO_HEADER                                                                              \
	"time,elapsed_s,pid,comm" GO_FIGURES(CSV_GO_COLUMN) GO_GC_FIGURES(CSV_GO_COLUMN)           \
		CSV_GO_GOROUTINES "\n"

void csv_write_go(struct sink *out, const struct export_input *in);

#endif /* EXPORT_CSV_GO_H */
