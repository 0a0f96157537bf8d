/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of a process as the kernel counts it, beside what is known to be in it: the traced heap, the heap of a Go runtime. Pure. */
#ifndef ANALYSE_BESIDE_H
#define ANALYSE_BESIDE_H

#include <stdbool.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../target/memory.h"

/* What is known to be in the anonymous memory of a process. */
enum beside_part {
	BESIDE_HEAP, /* outstanding bytes, mappings included when they are traced */
	BESIDE_GO,   /* of a Go runtime: go_heap_bytes() */
	BESIDE_PARTS
};

struct beside {
	bool known;
	struct memory_use first, now; /* when tracing of it began, and now */
	struct beside_use {
		bool known;
		uint64_t first, now;
	} parts[BESIDE_PARTS];
	uint64_t unknown_frees;
	bool attached;	     /* it ran before */
	bool maps_traced;    /* --mmap */
	bool part_of_blocks; /* some sizes are not recorded (-z, -Z) */
};

/* Change since tracing began, in bytes. */
struct beside_change {
	int64_t rss, anonymous, file, shared, swap;
	int64_t parts[BESIDE_PARTS];
	/*
	 * Of a growth of rss: what files, shared memory (which may be of the heap with --mmap, and is not told apart then), and
	 * at most each part explains, and what nothing explains.
	 */
	uint64_t by_files, by_shared, explained[BESIDE_PARTS], rest;
	uint64_t
		not_resident; /* of the growth of the parts: the resident memory did not grow with it */
};

/* What is not known counts as unchanged. */
struct beside_change beside_change(const struct beside *b);
/* Of the resident memory: what is in none of the parts. */
uint64_t beside_other(const struct beside *b);
/* One line without an end: "RSS 93.2M (anonymous 80.0M, files 13.2M), swap 0B; outstanding 62.4M; Go heap 8.00M". */
void beside_add_figures(const struct beside *b, struct buffer *out);
/*
 * One or two sentences: "RSS grew 40.0M, the traced heap explains 38.0M; the other 2.00M may be ...", or "RSS grew 40.0M: the C heap
 * explains 30.0M, the Go heap 8.00M".
 */
void beside_add_words(const struct beside *b, struct buffer *out);

/* The same since the baseline, and it says so; where that is not known, since tracing began. */
void beside_add_since(const struct beside *b, const struct beside *since, struct buffer *out);

#endif /* ANALYSE_BESIDE_H */
