// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * First fit in a sorted list: there are as many ranges as there are holes between tables, some
 * hundreds at most, and a table is taken or given only when a new file appears.
 */
#include "unwind_room.h"

#include <stdlib.h>
#include <string.h>

#include "../base/xalloc.h"

void unwind_room_done(struct unwind_room *r)
{
	free(r->free);
	*r = (struct unwind_room){0};
}

static void insert(struct unwind_room *r, size_t at, uint32_t start, uint32_t count)
{
	if (r->count == r->capacity) {
		r->capacity = r->capacity ? r->capacity * 2 : 16;
		r->free = xrealloc(r->free, r->capacity * sizeof(*r->free));
	}
	memmove(&r->free[at + 1], &r->free[at], (r->count - at) * sizeof(*r->free));
	r->free[at] = (struct unwind_room_range){start, count};
	r->count++;
}

static void erase(struct unwind_room *r, size_t at)
{
	r->count--;
	memmove(&r->free[at], &r->free[at + 1], (r->count - at) * sizeof(*r->free));
}

void unwind_room_give(struct unwind_room *r, uint32_t start, uint32_t count)
{
	struct unwind_room_range *f = r->free;
	size_t at = 0;

	if (!count)
		return;
	while (at < r->count && f[at].start < start)
		at++;
	if (at && f[at - 1].start + f[at - 1].count == start) {
		at--;
		f[at].count += count;
	} else {
		insert(r, at, start, count);
		f = r->free;
	}
	if (at + 1 < r->count && f[at].start + f[at].count == f[at + 1].start) {
		f[at].count += f[at + 1].count;
		erase(r, at + 1);
	}
}

static void cut_out(struct unwind_room *r, size_t i, uint32_t at, uint32_t count)
{
	struct unwind_room_range f = r->free[i];
	uint32_t before = at - f.start, after = f.count - before - count;

	if (before)
		r->free[i].count = before;
	else
		erase(r, i);
	if (after)
		insert(r, before ? i + 1 : i, at + count, after);
}

uint32_t unwind_room_take(struct unwind_room *r, uint32_t count, uint32_t align)
{
	size_t i;

	for (i = 0; count && i < r->count; i++) {
		const struct unwind_room_range *f = &r->free[i];
		uint64_t at = ((uint64_t)f->start + align - 1) / align * align;

		if (at + count > (uint64_t)f->start + f->count)
			continue;
		cut_out(r, i, (uint32_t)at, count);
		return (uint32_t)at;
	}
	return 0;
}
