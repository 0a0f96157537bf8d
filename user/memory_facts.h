/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says of the memory of a traced process: its use, beside the heap, and the limits that it may meet. Read for
 * each snapshot, the dear part of it as seldom as its price asks for. The main thread only.
 */
#ifndef USER_MEMORY_FACTS_H
#define USER_MEMORY_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include "analyse/beside.h"
#include "analyse/snapshot.h"
#include "target/limits.h"
#include "target/pss_reader.h"

/* Part of struct tracked; all zeros at first. */
struct memory_facts {
	bool begun;
	struct memory_use first;
	uint64_t heap_first;
	bool go_begun;
	uint64_t go_first;	 /* go_heap_bytes() */
	struct pss_process *pss; /* of the reader; NULL: not known to it */
	struct memory_limits limits;
	uint64_t limits_next_ns;
};

struct tracked;
struct options;
struct process_facts;

/* Tracing of it begins now: what it has from here on is compared with this. The reader may be NULL: then PSS is not known. */
void memory_facts_begin(struct tracked *t, struct pss_reader *reader);
/* Reads what there is now into the facts of the process. */
void memory_facts_gather(struct tracked *t, struct pss_reader *reader, struct process_facts *f);
/* It has ended. Once is enough. */
void memory_facts_end(struct tracked *t, struct pss_reader *reader);
/* From these facts, live or recorded: beside and exhaustion; totals, rates and unknown frees are there. */
void memory_facts_fill(struct tracked *t, const struct process_facts *f, struct snapshot_process *p,
		       const struct options *o);

#endif /* USER_MEMORY_FACTS_H */
