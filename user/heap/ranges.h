/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapped ranges of one process (--mmap): disjoint, sorted, each of one site. A mapping keeps the
 * length that was asked for; whole pages are what munmap takes away. Zero-initialised is empty. One
 * thread at a time.
 */
#ifndef HEAP_RANGES_H
#define HEAP_RANGES_H

#include <stddef.h>
#include <stdint.h>

#define RANGE_PAGE 4096u

struct range {
	uint64_t start;
	uint64_t bytes; /* asked for: the last page may be used in part */
	uint64_t born_ns;
	uint32_t site;
	uint32_t tid;
};

struct ranges {
	struct range *v; /* sorted by start */
	size_t count, capacity;
};

/* Called for each piece that goes; `whole` when its range goes with it (pieces of a split count as
 * ranges). */
typedef void ranges_gone_fn(void *context, const struct range *piece, int whole);
/* Called when a hole splits a range in two: one range more of that site. */
typedef void ranges_split_fn(void *context, const struct range *right);

void ranges_done(struct ranges *r);
/* 0, -ENOMEM, or -EEXIST when the range overlaps another one: call ranges_remove first. */
int ranges_insert(struct ranges *r, const struct range *range);
/*
 * Takes away the pages [start, start + bytes rounded up) of ranges born at or before before_ns.
 * Returns the bytes asked for that went, 0 when nothing was there. -ENOMEM as a negative value
 * leaves everything as it was. The callbacks may be NULL and must not touch the ranges.
 */
int64_t ranges_remove(struct ranges *r, uint64_t start, uint64_t bytes, uint64_t before_ns,
		      ranges_gone_fn *gone, ranges_split_fn *split, void *context);
const struct range *ranges_find(const struct ranges *r, uint64_t address);
int ranges_copy(struct ranges *to, const struct ranges *from);
const char *ranges_check(const struct ranges *r);

#endif /* HEAP_RANGES_H */
