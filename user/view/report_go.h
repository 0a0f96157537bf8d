/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of the batch report about what Go runtimes count. */
#ifndef VIEW_REPORT_GO_H
#define VIEW_REPORT_GO_H

#include <stdbool.h>
#include "../analyse/snapshot.h"
#include "../base/buffer.h"

/* Of a process that has no other figures. */
void report_add_go_only(struct buffer *out, const struct snapshot_process *p);
/* Nothing when they are not known; beside a C heap only with `verbose`. */
void report_add_go(struct buffer *out, const struct snapshot_process *p, bool verbose);

/* What --go-workload asked for. */
void report_add_go_advice(struct buffer *out, const struct snapshot_process *p);

/* The words of these lines: the heap and the goroutines; the collector; its profile; samples of its heap. */
void report_go_heap(struct buffer *out, const struct go_figures *g);
/* What its memory is: "HeapAlloc 12.0M of HeapInuse 13.0M, stacks 1.00M, kept free 2.00M ...". */
void report_go_share(struct buffer *out, const struct go_figures *g);
/* Outstanding blocks of C: those of the runtime's own profile are among all. */
uint64_t report_go_c_blocks(const struct snapshot_process *p);
void report_go_collector(struct buffer *out, const struct go_figures *g);
void report_go_profile(struct buffer *out, const struct snapshot_process *p);
void report_go_samples(struct buffer *out, const struct snapshot_process *p);

#endif /* VIEW_REPORT_GO_H */
