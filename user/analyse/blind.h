/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a class of probes blind? A silent probe alone proves nothing: programs that never free, or
 * that only free, are healthy. What proves it is what its partners see:
 *
 *   nothing at all  memory grows by more than what stacks, files and mappings of the program may
 *                   explain, and no allocation was seen. Likely, not sure: said as such.
 *   allocations     an address is freed again and again, and no allocation was seen there in
 *                   between. Each repetition is an allocation that was missed (or a bug that would
 *                   end most programs).
 *   frees           an address is handed out again and again that was not given back.
 *
 * A library that is put before the allocator (memusage, libc_malloc_debug) frees by calling it: both
 * frees are seen, and of the lower ones no allocation is, as the upper one is taken for it. So with
 * several layers that free, that share of all frees proves nothing.
 *
 * The last two are sure, whatever the program does, as long as no event was lost, filtered or left
 * out by sampling.
 */
#ifndef ANALYSE_BLIND_H
#define ANALYSE_BLIND_H

#include <stdbool.h>
#include <stdint.h>

enum blind { BLIND_NOT = 0, BLIND_ALL = 1, BLIND_ALLOCATIONS = 2, BLIND_FREES = 3 };

struct blind_facts {
	bool filtered;		/* by size: what is not seen may be what is not wanted */
	uint64_t sample_bytes;	/* 0: not sampled */
	uint64_t growth_bytes;	/* of the resident memory, at its most; 0: not known */
	uint64_t ranges_bytes;	/* outstanding of the mmap class */
	uint64_t allocs;	/* seen, heap class */
	uint64_t missed_allocs; /* frees of an address that was freed before */
	uint64_t frees;		/* seen, of known and of unknown blocks */
	unsigned layers;	/* modules that free; 0 or 1: no free calls another one */
	uint64_t reused;	/* allocations at an address that was live */
	uint64_t lost;
};

enum blind blind_find(const struct blind_facts *f);

#endif /* ANALYSE_BLIND_H */
