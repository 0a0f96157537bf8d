/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of include/unwind_row.h, shared with the BPF side: plain memory here. The main thread
 * only.
 */
#ifndef PROBE_UNWIND_ARENA_H
#define PROBE_UNWIND_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "unwind_room.h"

struct unwind_arena {
	int chunks_fd;	 /* the map of chunks; borrowed */
	uint64_t *words; /* all of them side by side; only chunk_count chunks may be touched */
	uint32_t chunk_count, chunk_limit;
	struct unwind_room room;
};

/* chunks_fd -1: memory that no BPF program sees, for tests. 0 or -errno. */
int unwind_arena_init(struct unwind_arena *a, int chunks_fd);
void unwind_arena_done(struct unwind_arena *a);
/*
 * `count` words at a multiple of `align` words, with anything in them: their index, never 0. `grow`:
 * new chunks may be made for it. 0: no room, with errno.
 */
uint32_t unwind_arena_take(struct unwind_arena *a, size_t count, uint32_t align, bool grow);
/* Nobody may be led to these words any more; who still reads them keeps nothing of it. */
void unwind_arena_give(struct unwind_arena *a, uint32_t at, size_t count);

#endif /* PROBE_UNWIND_ARENA_H */
