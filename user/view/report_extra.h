/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the batch report beside the list of sites: what changed since the baseline, pools, the process beside its heap. */
#ifndef VIEW_REPORT_EXTRA_H
#define VIEW_REPORT_EXTRA_H

#include <stdint.h>
#include "report.h"

/* One line under the header: since when. */
void report_add_baseline(struct buffer *out, const struct snapshot *s);
/* Of a site: its change to the letter, what is outstanding now, and how far off the change may be. Nothing without a baseline. */
void report_add_change(struct buffer *out, const struct snapshot_site *site);
/* Sites that have less than at the baseline, least first, at most `top`, one line each. */
void report_add_shrunk(struct buffer *out, const struct snapshot *s, uint64_t top,
		       report_names_fn *names, void *context);
/* Lines of one process: its memory, what explains its growth, and the limit that it will meet. */
void report_add_process(struct buffer *out, const struct snapshot_process *p, bool verbose);
/* The section of --pools. */
void report_add_pools(struct buffer *out, const struct snapshot *s, uint64_t top,
		      report_names_fn *names, void *context);

#endif /* VIEW_REPORT_EXTRA_H */
