/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapped ranges of one process. Written by mappings.c only.
 *
 * A sorted array: the kernel allows a process some 65,000 mappings, of which few are made by its
 * own calls to mmap, and each call is a system call for it; a move of the tail is small against
 * that.
 *
 * Invariant: ranges are sorted, none is empty, and no two share a page. Starts are page aligned.
 * start + bytes stays below 2^63, callers see to it.
 */
#include "ranges.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t page_up(uint64_t x)
{
	return (x + RANGE_PAGE - 1) & ~(uint64_t)(RANGE_PAGE - 1);
}

/* The end of what the range asked for, and of the pages it has. */
static uint64_t asked_end(const struct range *r)
{
	return r->start + r->bytes;
}

static uint64_t page_end(const struct range *r)
{
	return page_up(asked_end(r));
}

/* Index of the first range whose pages end behind `address`. */
static size_t first_behind(const struct ranges *r, uint64_t address)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (page_end(&r->v[middle]) > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int reserve_one(struct ranges *r)
{
	size_t capacity = r->capacity ? r->capacity * 2 : 16;
	struct range *v;

	if (r->count < r->capacity)
		return 0;
	v = realloc(r->v, capacity * sizeof(*v));
	if (!v)
		return -ENOMEM;
	r->v = v;
	r->capacity = capacity;
	return 0;
}

static void open_slot(struct ranges *r, size_t i)
{
	memmove(&r->v[i + 1], &r->v[i], (r->count - i) * sizeof(*r->v));
	r->count++;
}

int ranges_insert(struct ranges *r, const struct range *range)
{
	size_t i = first_behind(r, range->start);

	if (i < r->count && r->v[i].start < page_end(range))
		return -EEXIST;
	if (reserve_one(r))
		return -ENOMEM;
	open_slot(r, i);
	r->v[i] = *range;
	return 0;
}

/* The piece of `range` inside [start, end), in bytes that were asked for. */
static struct range piece_of(const struct range *range, uint64_t start, uint64_t end)
{
	struct range piece = *range;
	uint64_t last = asked_end(range) < end ? asked_end(range) : end;

	piece.start = range->start > start ? range->start : start;
	piece.bytes = last - piece.start;
	return piece;
}

/* A hole inside one range. The caller has reserved a slot. */
static void split_range(struct ranges *r, size_t i, uint64_t start, uint64_t end,
			ranges_split_fn *split, void *context)
{
	open_slot(r, i);
	r->v[i].bytes = start - r->v[i].start;
	r->v[i + 1].bytes = asked_end(&r->v[i + 1]) - end;
	r->v[i + 1].start = end;
	if (split)
		split(context, &r->v[i + 1]);
}

/* What is left of a range that is hit at one end or whole; false when nothing is. */
static int keep_rest(struct range *range, uint64_t start, uint64_t end)
{
	uint64_t last = asked_end(range);

	if (range->start < start) {
		range->bytes = start - range->start;
		return 1;
	}
	if (last > end) {
		range->start = end;
		range->bytes = last - end;
		return 1;
	}
	return 0;
}

int64_t ranges_remove(struct ranges *r, uint64_t start, uint64_t bytes, uint64_t before_ns,
		      ranges_gone_fn *gone, ranges_split_fn *split, void *context)
{
	uint64_t end = start + page_up(bytes);
	size_t first = first_behind(r, start), to = first, i;
	int64_t sum = 0;

	if (first < r->count && r->v[first].start < start && asked_end(&r->v[first]) > end &&
	    reserve_one(r))
		return -ENOMEM;
	for (i = first; i < r->count && r->v[i].start < end; i++) {
		struct range piece = piece_of(&r->v[i], start, end);
		int in_middle = r->v[i].start < start && asked_end(&r->v[i]) > end;
		int kept = 1;

		if (r->v[i].born_ns <= before_ns) {
			sum += (int64_t)piece.bytes;
			if (in_middle) {
				if (gone)
					gone(context, &piece, 0);
				split_range(r, i, start, end, split, context);
				return sum;
			}
			kept = keep_rest(&r->v[i], start, end);
			if (gone)
				gone(context, &piece, !kept);
		}
		if (kept)
			r->v[to++] = r->v[i];
	}
	if (to != i)
		memmove(&r->v[to], &r->v[i], (r->count - i) * sizeof(*r->v));
	r->count -= i - to;
	return sum;
}

const struct range *ranges_find(const struct ranges *r, uint64_t address)
{
	size_t i = first_behind(r, address);

	return i < r->count && r->v[i].start <= address ? &r->v[i] : NULL;
}

int ranges_copy(struct ranges *to, const struct ranges *from)
{
	memset(to, 0, sizeof(*to));
	if (!from->count)
		return 0;
	to->v = malloc(from->count * sizeof(*to->v));
	if (!to->v)
		return -ENOMEM;
	memcpy(to->v, from->v, from->count * sizeof(*to->v));
	to->count = to->capacity = from->count;
	return 0;
}

void ranges_done(struct ranges *r)
{
	free(r->v);
	memset(r, 0, sizeof(*r));
}

const char *ranges_check(const struct ranges *r)
{
	if (r->count > r->capacity)
		return "more ranges than there is room for";
	for (size_t i = 0; i < r->count; i++) {
		if (!r->v[i].bytes)
			return "an empty range";
		if (r->v[i].start % RANGE_PAGE)
			return "a range does not start at a page";
		if (i && page_end(&r->v[i - 1]) > r->v[i].start)
			return "ranges overlap or are not sorted";
	}
	return NULL;
}
