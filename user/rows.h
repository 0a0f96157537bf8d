/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From sites by addresses, as the heap keeps them, to rows by code, as people see them. The main thread only. */
#ifndef USER_ROWS_H
#define USER_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/breath.h"
#include "tracker.h"
#include "analyse/snapshot.h"
#include "symbol/names.h"

struct row_id {
	uint64_t id;
	bool settled; /* nothing that is read later changes it */
};

/* All zeros but `tracker` at the start. */
struct rows {
	struct tracker *tracker;
	struct row_id *ids; /* by heap site */
	uint32_t *primary;  /* heap site -> heap site of the row that stands for it; 0: none yet */
	uint32_t count;	    /* of both */
	uint32_t *next;	    /* of the heap sites of a row, from its primary on; 0: the last */
	struct lifetimes *kept; /* of the heap sites, at the last snapshot that needed them */
	uint32_t kept_count;
	size_t site_count; /* of the last snapshot, before rows were joined */
	bool alone;	   /* each of its sites had a row of its own */
};

void rows_done(struct rows *r);
/* Joins what is the same code; heap_sites: what the heap had when the snapshot was taken. */
void rows_fold(struct rows *r, struct snapshot *s, uint32_t heap_sites, struct breath *breath);
/* With the lock of the heap, which has so many sites, at the moment of a snapshot. */
void rows_keep_lifetimes(struct rows *r, uint32_t sites);
/* Of all heap sites of the row, as they were then. False when its number is none. */
bool rows_lifetimes(const struct rows *r, uint32_t site, struct lifetimes *out);
/* Names of a site's stack, as far as they are known now. */
const struct stack_names *rows_names(struct rows *r, const struct snapshot_site *site);

#endif /* USER_ROWS_H */
