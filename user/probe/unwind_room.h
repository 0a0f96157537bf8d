/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which words of the arena are free. Pure. */
#ifndef PROBE_UNWIND_ROOM_H
#define PROBE_UNWIND_ROOM_H

#include <stddef.h>
#include <stdint.h>

struct unwind_room_range {
	uint32_t start, count;
};

/* Zeroed: empty. */
struct unwind_room {
	struct unwind_room_range *free; /* ascending, no two touch */
	size_t count, capacity;
};

void unwind_room_done(struct unwind_room *r);
/* Makes these words free. They were not. */
void unwind_room_give(struct unwind_room *r, uint32_t start, uint32_t count);
/* `count` words at a multiple of `align`: the first place that fits; 0: none. Word 0 must not be in
 * the room. */
uint32_t unwind_room_take(struct unwind_room *r, uint32_t count, uint32_t align);

#endif /* PROBE_UNWIND_ROOM_H */
