/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of a process as the kernel counts it, beside what of its heap was traced. Pure. */
#ifndef ANALYSE_BESIDE_H
#define ANALYSE_BESIDE_H

#include <stdbool.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../target/memory.h"

struct beside {
	bool known;
	struct memory_use first, now; /* when tracing of it began, and now */
	uint64_t heap_first,
		heap_now; /* outstanding bytes, mappings included when they are traced */
	uint64_t unknown_frees;
	bool attached;	     /* it ran before */
	bool maps_traced;    /* --mmap */
	bool part_of_blocks; /* some sizes are not recorded (-z, -Z) */
};

/* Change since tracing began, in bytes. */
struct beside_change {
	int64_t rss, anonymous, file, shared, swap, heap;
	/*
	 * Of a growth of rss: what files, shared memory (which may be of the heap with --mmap, and is not told apart then), and
	 * at most the heap explain, and what nothing explains.
	 */
	uint64_t by_files, by_shared, explained, rest;
	uint64_t not_resident; /* of the heap's growth: the resident memory did not grow with it */
};

/* What is not known counts as unchanged. */
struct beside_change beside_change(const struct beside *b);
/* One line without an end: "RSS 93.2M (anonymous 80.0M, files 13.2M), swap 0B; outstanding 62.4M". */
void beside_add_figures(const struct beside *b, struct buffer *out);
/* One or two sentences: "RSS grew 40.0M, the traced heap explains 38.0M; the rest may be ...". */
void beside_add_words(const struct beside *b, struct buffer *out);

/* The same since the baseline, and it says so; where that is not known, since tracing began. */
void beside_add_since(const struct beside *b, const struct beside *since, struct buffer *out);

#endif /* ANALYSE_BESIDE_H */
