/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A snapshot as OpenMetrics 1.0 text, or in the classic text format of Prometheus. The number of series is bounded: so many for
 * each process that lives, and so many for the largest `top` sites of these. One thread at a time.
 */
#ifndef EXPORT_OPENMETRICS_H
#define EXPORT_OPENMETRICS_H

#include <stdbool.h>
#include <stdint.h>
#include "sink.h"

/* What a counter had at the last snapshot: it must not go back. All zeros at first. */
struct openmetrics {
	struct openmetrics_floor *floors; /* by process of the snapshot */
	size_t floor_count;
};

/* The sites that will be written, largest first. Returns how many; the list is the caller's, from malloc. */
size_t openmetrics_pick(const struct snapshot *s, uint64_t top,
			const struct snapshot_site ***sites);
/* The same of groups of goroutines. */
size_t openmetrics_pick_goroutines(const struct snapshot *s, uint64_t top,
				   const struct snapshot_goroutines ***rows);
/* in NULL: nothing is known yet. */
void openmetrics_write(struct openmetrics *m, struct buffer *out, const struct export_input *in,
		       uint64_t top, bool classic);
void openmetrics_done(struct openmetrics *m);

#endif /* EXPORT_OPENMETRICS_H */
