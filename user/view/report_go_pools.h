/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines about the pools of Go programs, in the batch report and on the page of a process. */
#ifndef VIEW_REPORT_GO_POOLS_H
#define VIEW_REPORT_GO_POOLS_H

#include <stdbool.h>
#include "../analyse/snapshot.h"
#include "../base/buffer.h"

/* Of one process: how many pools, what was counted, and the most used ones. `verbose`: more of each. Nothing without pools. */
void report_add_go_pools(struct buffer *out, const struct snapshot_process *p, uint64_t top,
			 bool verbose);

/* The words of these lines. */
void report_go_pools_head(struct buffer *out, const struct go_pools_figures *f);
/* "98.0% hits (97.1..98.6)". */
void report_go_pool_hits(struct buffer *out, const struct go_pools_figures *f,
			 const struct go_pool *pool);

#endif /* VIEW_REPORT_GO_POOLS_H */
