/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Goroutines from facts, live or recorded, to rows of snapshots with names. The main thread only. */
#ifndef USER_GOROUTINE_ROWS_H
#define USER_GOROUTINE_ROWS_H

#include "analyse/goroutines.h"
#include "analyse/growth.h"
#include "facts.h"
#include "symbol/names.h"
#include "tracker.h"

struct goroutine_rows {
	struct goroutines *histories;
	struct tracker *tracker; /* borrowed */
};

void goroutine_rows_init(struct goroutine_rows *r, struct tracker *tracker);
void goroutine_rows_done(struct goroutine_rows *r);
/* After a sample of growth of the same moment. */
void goroutine_rows_sample(struct goroutine_rows *r, const struct growth *growth,
			   const struct facts *f);
void goroutine_rows_fill(struct goroutine_rows *r, struct snapshot *s, const struct facts *f);
/* As far as they are known now: of the function, then of the go statement (frames whose pc is row->creator). */
const struct stack_names *goroutine_rows_names(struct goroutine_rows *r, const struct snapshot *s,
					       const struct snapshot_goroutines *row);

#endif /* USER_GOROUTINE_ROWS_H */
