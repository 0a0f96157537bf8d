/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The outstanding blocks of one moment, for reports and files that list them. The main thread only. */
#ifndef USER_BLOCK_LIST_H
#define USER_BLOCK_LIST_H

#include <stddef.h>
#include <stdint.h>
#include "base/breath.h"
#include "rows.h"
#include "tracker.h"
#include "view/report.h"

/* All zeros: empty. */
struct block_list {
	struct report_block *v;
	size_t count, capacity;
};

/*
 * What is there now and at least so old, in no order and by heap sites: in pieces, between which the lock of the heap is free. Of one moment
 * when the consumer is held at a cut (consumer_cut()), as long as the rings have room for that.
 */
void block_list_take(struct block_list *l, struct tracker *tracker, uint64_t now_ns,
		     uint64_t older_ns, struct breath *breath);
/* By row, then by address. */
void block_list_sort(struct block_list *l, const struct rows *rows, struct breath *breath);
void block_list_done(struct block_list *l);

#endif /* USER_BLOCK_LIST_H */
