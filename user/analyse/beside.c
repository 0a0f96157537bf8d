/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both sides are compared by their change since tracing began: of the heap from before nothing is known, and of the resident
 * memory only its sum. Blocks are anonymous memory, so what files and shared memory brought is told apart first; the heap
 * explains at most what is then left of the growth, namely when all of its new blocks were touched.
 *
 * What is too small to be worth words is no more than SMALL or a fiftieth of the resident memory: allocators take memory in
 * large pieces, and stacks grow.
 */
#include "beside.h"

#include <stdlib.h>
#include "../base/units.h"

#define SMALL_BYTES (1u << 20)
#define SMALL_PART  50

static int64_t grown(uint64_t first, uint64_t now)
{
	if (first == MEMORY_UNKNOWN || now == MEMORY_UNKNOWN)
		return 0;
	return (int64_t)(now - first);
}

static uint64_t positive(int64_t value)
{
	return value > 0 ? (uint64_t)value : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

struct beside_change beside_change(const struct beside *b)
{
	struct beside_change c = {
		.rss = grown(b->first.rss, b->now.rss),
		.anonymous = grown(b->first.anonymous, b->now.anonymous),
		.file = grown(b->first.file, b->now.file),
		.shared = grown(b->first.shared, b->now.shared),
		.swap = grown(b->first.swap, b->now.swap),
		.heap = grown(b->heap_first, b->heap_now),
	};
	uint64_t grew = positive(c.rss);

	c.by_files = smaller(grew, positive(c.file));
	grew -= c.by_files;
	if (!b->maps_traced)
		c.by_shared = smaller(grew, positive(c.shared));
	grew -= c.by_shared;
	c.explained = smaller(grew, positive(c.heap));
	c.rest = grew - c.explained;
	c.not_resident = positive(c.heap) - c.explained;
	return c;
}

static void add_bytes(struct buffer *out, const char *name, uint64_t bytes)
{
	char text[16];

	if (bytes != MEMORY_UNKNOWN)
		buffer_printf(out, "%s%s", name, units_bytes(bytes, text, sizeof(text)));
}

void beside_add_figures(const struct beside *b, struct buffer *out)
{
	add_bytes(out, "RSS ", b->now.rss);
	if (b->now.anonymous != MEMORY_UNKNOWN) {
		add_bytes(out, " (anonymous ", b->now.anonymous);
		add_bytes(out, ", files ", b->now.file);
		add_bytes(out, ", shared ", b->now.shared);
		buffer_add_char(out, ')');
	}
	add_bytes(out, ", PSS ", b->now.pss);
	add_bytes(out, ", swapped out ", b->now.swap);
	add_bytes(out, "; outstanding ", b->heap_now);
}

static bool is_small(const struct beside *b, uint64_t bytes)
{
	return bytes < SMALL_BYTES || bytes < b->now.rss / SMALL_PART;
}

static void add_rest(const struct beside *b, const struct beside_change *c, struct buffer *out)
{
	char text[16];

	if (!is_small(b, c->by_files))
		buffer_printf(out, ", pages of files %s",
			      units_bytes(c->by_files, text, sizeof(text)));
	if (!is_small(b, c->by_shared))
		buffer_printf(out, ", shared memory %s",
			      units_bytes(c->by_shared, text, sizeof(text)));
	if (is_small(b, c->rest))
		return;
	buffer_printf(out,
		      "; the other %s may be free memory that the allocator keeps "
		      "(fragmentation), ",
		      units_bytes(c->rest, text, sizeof(text)));
	if (!b->maps_traced)
		buffer_add_string(out, "mappings without malloc (--mmap traces them), ");
	if (b->part_of_blocks)
		buffer_add_string(out, "blocks that -z and -Z leave out, ");
	if (b->attached)
		buffer_add_string(out, "blocks from before the attach that are touched only now, ");
	buffer_add_string(out, "or stacks of threads");
}

static void add_not_resident(const struct beside *b, const struct beside_change *c,
			     struct buffer *out)
{
	char heap[16], text[16];

	buffer_printf(out, "; of the %s that the heap grew by, %s did not raise it: ",
		      units_bytes(positive(c->heap), heap, sizeof(heap)),
		      units_bytes(c->not_resident, text, sizeof(text)));
	if (!is_small(b, positive(c->swap)))
		buffer_printf(out, "swapped out (%s), ",
			      units_bytes(positive(c->swap), text, sizeof(text)));
	buffer_add_string(out, "pages that were not touched yet");
	if (b->unknown_frees || b->attached)
		buffer_add_string(out, ", or memory of blocks from before the attach, used again");
}

void beside_add_words(const struct beside *b, struct buffer *out)
{
	struct beside_change c = beside_change(b);
	uint64_t size = (uint64_t)llabs(c.rss);
	char rss[16], heap[16];

	units_bytes(size, rss, sizeof(rss));
	if (is_small(b, size))
		buffer_printf(out, "RSS has hardly changed (%s%s)", c.rss < 0 ? "-" : "+", rss);
	else if (c.rss < 0)
		buffer_printf(out, "RSS fell %s, the traced heap %s %s", rss,
			      c.heap < 0 ? "fell" : "grew",
			      units_bytes((uint64_t)llabs(c.heap), heap, sizeof(heap)));
	else
		buffer_printf(out, "RSS grew %s, the traced heap explains %s", rss,
			      units_bytes(c.explained, heap, sizeof(heap)));
	if (c.rss > 0 && !is_small(b, size))
		add_rest(b, &c, out);
	if (c.rss >= 0 && !is_small(b, c.not_resident))
		add_not_resident(b, &c, out);
}

void beside_add_since(const struct beside *b, const struct beside *since, struct buffer *out)
{
	if (since->known)
		buffer_add_string(out, "since the baseline: ");
	beside_add_words(since->known ? since : b, out);
}
