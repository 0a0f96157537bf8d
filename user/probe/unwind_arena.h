/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of include/unwind_row.h, shared with the BPF side: plain memory here. The main thread
 * only.
 */
#ifndef PROBE_UNWIND_ARENA_H
#define PROBE_UNWIND_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct unwind_arena {
	int chunks_fd;	 /* the map of chunks; borrowed */
	uint64_t *words; /* all of them side by side; only chunk_count chunks may be touched */
	uint32_t chunk_count;
	uint32_t used; /* words */
};

/* 0 or -errno. */
int unwind_arena_init(struct unwind_arena *a, int chunks_fd);
void unwind_arena_done(struct unwind_arena *a);
/* `count` words at a multiple of `align` words, zero: their index, never 0. 0: no room, with errno. */
uint32_t unwind_arena_take(struct unwind_arena *a, size_t count, uint32_t align);

#endif /* PROBE_UNWIND_ARENA_H */
