/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both sides are compared by their change since tracing began: of the heap from before nothing is known, and of the resident
 * memory only its sum. Blocks are anonymous memory, so what files and shared memory brought is told apart first; the heaps
 * explain at most what is then left of the growth, namely when all of their new blocks were touched. When they grew by more than
 * that, nobody knows which of them was touched: each has its share.
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

/* What is said of each part when it is alone, when there are others, and in front of its figure. */
static const struct {
	const char *alone, *beside, *figure;
} words[BESIDE_PARTS] = {
	[BESIDE_HEAP] = {"the traced heap", "the C heap", "; outstanding "},
	[BESIDE_GO] = {"the Go heap", "the Go heap", "; Go heap "},
};

static size_t part_count(const struct beside *b)
{
	size_t i, count = 0;

	for (i = 0; i < BESIDE_PARTS; i++)
		count += b->parts[i].known;
	return count;
}

static const char *name_of(const struct beside *b, size_t part)
{
	return part_count(b) > 1 ? words[part].beside : words[part].alone;
}

/* Of all parts together. */
static uint64_t parts_growth(const struct beside_change *c)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < BESIDE_PARTS; i++)
		sum += positive(c->parts[i]);
	return sum;
}

static void explain(struct beside_change *c, uint64_t grew)
{
	uint64_t sum = parts_growth(c), left = smaller(grew, sum);
	double share = sum ? (double)left / (double)sum : 0;
	size_t i;

	c->rest = grew - left;
	c->not_resident = sum - left;
	for (i = 0; i < BESIDE_PARTS; i++) {
		/* the last that grew has what rounding left */
		sum -= positive(c->parts[i]);
		c->explained[i] =
			sum ? smaller(left, (uint64_t)((double)positive(c->parts[i]) * share))
			    : left;
		left -= c->explained[i];
	}
}

struct beside_change beside_change(const struct beside *b)
{
	struct beside_change c = {
		.rss = grown(b->first.rss, b->now.rss),
		.anonymous = grown(b->first.anonymous, b->now.anonymous),
		.file = grown(b->first.file, b->now.file),
		.shared = grown(b->first.shared, b->now.shared),
		.swap = grown(b->first.swap, b->now.swap),
	};
	uint64_t grew = positive(c.rss);
	size_t i;

	for (i = 0; i < BESIDE_PARTS; i++)
		c.parts[i] = b->parts[i].known ? grown(b->parts[i].first, b->parts[i].now) : 0;
	c.by_files = smaller(grew, positive(c.file));
	grew -= c.by_files;
	if (!b->maps_traced)
		c.by_shared = smaller(grew, positive(c.shared));
	explain(&c, grew - c.by_shared);
	return c;
}

uint64_t beside_other(const struct beside *b)
{
	uint64_t left = b->now.rss == MEMORY_UNKNOWN ? 0 : b->now.rss;
	size_t i;

	for (i = 0; i < BESIDE_PARTS; i++) {
		if (b->parts[i].known)
			left -= smaller(left, b->parts[i].now);
	}
	return left;
}

static void add_bytes(struct buffer *out, const char *name, uint64_t bytes)
{
	char text[16];

	if (bytes != MEMORY_UNKNOWN)
		buffer_printf(out, "%s%s", name, units_bytes(bytes, text, sizeof(text)));
}

void beside_add_figures(const struct beside *b, struct buffer *out)
{
	size_t i;

	add_bytes(out, "RSS ", b->now.rss);
	if (b->now.anonymous != MEMORY_UNKNOWN) {
		add_bytes(out, " (anonymous ", b->now.anonymous);
		add_bytes(out, ", files ", b->now.file);
		add_bytes(out, ", shared ", b->now.shared);
		buffer_add_char(out, ')');
	}
	add_bytes(out, ", PSS ", b->now.pss);
	add_bytes(out, ", swapped out ", b->now.swap);
	for (i = 0; i < BESIDE_PARTS; i++) {
		if (b->parts[i].known)
			add_bytes(out, words[i].figure, b->parts[i].now);
	}
}

static bool is_small(const struct beside *b, uint64_t bytes)
{
	return bytes < SMALL_BYTES || bytes < b->now.rss / SMALL_PART;
}

static void add_guesses(const struct beside *b, struct buffer *out)
{
	if (b->parts[BESIDE_GO].known)
		buffer_add_string(out, "tables of the Go runtime, ");
	if (!b->parts[BESIDE_HEAP].known) {
		buffer_add_string(out, "memory that the program maps itself, ");
	} else {
		buffer_add_string(out, "free memory that the allocator keeps (fragmentation), ");
		if (!b->maps_traced)
			buffer_add_string(out, "mappings without malloc (--mmap traces them), ");
		if (b->part_of_blocks)
			buffer_add_string(out, "blocks that -z and -Z leave out, ");
		if (b->attached)
			buffer_add_string(
				out, "blocks from before the attach that are touched only now, ");
	}
	buffer_add_string(out, "or stacks of threads");
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
	buffer_printf(out, "; the other %s may be ", units_bytes(c->rest, text, sizeof(text)));
	add_guesses(b, out);
}

static const char *growing_part(const struct beside *b, const struct beside_change *c)
{
	if (c->parts[BESIDE_GO] <= 0)
		return part_count(b) > 1 ? "the C heap" : "the heap";
	return c->parts[BESIDE_HEAP] > 0 ? "both heaps" : "the Go heap";
}

static void add_not_resident(const struct beside *b, const struct beside_change *c,
			     struct buffer *out)
{
	char grew[16], text[16];

	buffer_printf(out, "; of the %s that %s grew by, %s did not raise it: ",
		      units_bytes(parts_growth(c), grew, sizeof(grew)), growing_part(b, c),
		      units_bytes(c->not_resident, text, sizeof(text)));
	if (!is_small(b, positive(c->swap)))
		buffer_printf(out, "swapped out (%s), ",
			      units_bytes(positive(c->swap), text, sizeof(text)));
	buffer_add_string(out, "pages that were not touched yet");
	if (b->parts[BESIDE_HEAP].known && (b->unknown_frees || b->attached))
		buffer_add_string(out, ", or memory of blocks from before the attach, used again");
}

/* ", the traced heap fell 7.00M" */
static void add_changes(const struct beside *b, const struct beside_change *c, struct buffer *out)
{
	char text[16];
	size_t i;

	for (i = 0; i < BESIDE_PARTS; i++) {
		if (b->parts[i].known)
			buffer_printf(
				out, ", %s %s %s", name_of(b, i), c->parts[i] < 0 ? "fell" : "grew",
				units_bytes((uint64_t)llabs(c->parts[i]), text, sizeof(text)));
	}
}

/* ", the traced heap explains 38.0M", or ": the C heap explains 30.0M, the Go heap 8.00M" */
static void add_explained(const struct beside *b, const struct beside_change *c, struct buffer *out)
{
	const char *before = part_count(b) > 1 ? ": " : ", ", *verb = " explains";
	char text[16];
	size_t i;

	for (i = 0; i < BESIDE_PARTS; i++) {
		if (!b->parts[i].known)
			continue;
		buffer_printf(out, "%s%s%s %s", before, name_of(b, i), verb,
			      units_bytes(c->explained[i], text, sizeof(text)));
		before = ", ";
		verb = "";
	}
}

void beside_add_words(const struct beside *b, struct buffer *out)
{
	struct beside_change c = beside_change(b);
	uint64_t size = (uint64_t)llabs(c.rss);
	char rss[16];

	units_bytes(size, rss, sizeof(rss));
	if (is_small(b, size)) {
		buffer_printf(out, "RSS has hardly changed (%s%s)", c.rss < 0 ? "-" : "+", rss);
	} else if (c.rss < 0) {
		buffer_printf(out, "RSS fell %s", rss);
		add_changes(b, &c, out);
	} else {
		buffer_printf(out, "RSS grew %s", rss);
		add_explained(b, &c, out);
		add_rest(b, &c, out);
	}
	if (c.rss >= 0 && !is_small(b, c.not_resident))
		add_not_resident(b, &c, out);
}

void beside_add_since(const struct beside *b, const struct beside *since, struct buffer *out)
{
	if (since->known)
		buffer_add_string(out, "since the baseline: ");
	beside_add_words(since->known ? since : b, out);
}
