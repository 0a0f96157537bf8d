/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outstanding blocks of one process. Written by apply.c only.
 *
 * A directory of 1 << depth entries, picked by the top bits of a hash of the address, leads to
 * segments; a segment of local depth d stands in 1 << (depth - d) entries next to each other
 * (extendible hashing). A segment has
 *
 *   - its blocks, dense, in chunks that do not move while it lives, but once to huge pages; free ones form a list that is
 * used last in, first out, so that a program that allocates and frees in turn stays within a few
 * cache lines;
 *   - an index: buckets of one cache line with 21 slots, each with a tag byte (8 bits of the hash) and
 * 16 bits for the number of the block (13) and three more bits of the hash: a block that is not the one
 * searched for is looked at once in a hundred times, because it is likely to be far from the CPU. A block that finds its bucket full goes to the next one with room, and
 * `passed` of every bucket it went by is counted up. A search ends at a bucket that nobody passed:
 * no tombstones, and an address that is not there costs one or two cache lines even at the largest
 * load.
 *
 * The chunks of tables of HUGE_FROM blocks or more move to huge pages, as these become ready (pieces.h).
 *
 * Only the index needs room to spare, and it is an eighth of the size: it is loaded 0.62 to 0.7, so
 * that few buckets overflow, and the whole takes 37 to 39 bytes a block, while growing, too
 * (make bench-consume). A segment that is full splits, which moves SEGMENT_BLOCKS blocks: with page
 * faults and the noise of a busy machine 0.5 to 1.2 ms up to 30 M blocks, 3.8 ms seen at 100 M.
 *
 * Invariant: each block in use is in exactly one slot of its segment's index, and `passed` of a
 * bucket is the number of blocks that would be in it or before it if it had been larger (255: not
 * counted any more until the next rebuild).
 */
#include "blocks.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "segment.h"

/* So many are looked at for one that has something to move. */
#define SETTLE_SEGMENTS 8u

/* Lets the directory entries that stand for `hash` up to the bit before `depth` lead to the
 * segment. */
static void directory_set(struct blocks *b, uint64_t hash, uint32_t depth, struct blocks_segment *s)
{
	size_t width = (size_t)1 << (b->depth - depth);
	size_t first = directory_index(hash, b->depth) & ~(width - 1);

	for (size_t i = 0; i < width; i++)
		b->segments[first + i] = s;
}

static int directory_double(struct blocks *b)
{
	size_t count = (size_t)1 << b->depth;
	struct blocks_segment **v;

	/* Hashes spread evenly; a directory far larger than needed would be the work of a hostile
	 * target. */
	if (count > 64 + b->count / (SEGMENT_BLOCKS / 16))
		return -ENOMEM;
	v = malloc(2 * count * sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < 2 * count; i++)
		v[i] = b->segments[i / 2];
	free(b->segments);
	b->segments = v;
	b->depth++;
	b->memory += count * sizeof(*v);
	return 0;
}

static int segment_split(struct blocks *b, struct blocks_segment *s, uint64_t hash)
{
	uint64_t bit = 1ull << (63 - s->depth);
	struct blocks_segment *lower, *upper;
	int err = -ENOMEM;

	if (s->depth == b->depth) {
		err = directory_double(b);
		if (err)
			return err;
	}
	lower = segment_new(b, s->depth + 1, s->live / 2);
	upper = segment_new(b, s->depth + 1, s->live / 2);
	err = lower && upper ? segment_copy_to(b, s, lower, upper) : -ENOMEM;
	if (err) {
		segment_free(b, lower);
		segment_free(b, upper);
		return err;
	}
	directory_set(b, hash & ~bit, s->depth + 1, lower);
	directory_set(b, hash | bit, s->depth + 1, upper);
	b->changes++;
	segment_free(b, s);
	return 0;
}

static int blocks_open(struct blocks *b)
{
	b->segments = malloc(sizeof(*b->segments));
	if (!b->segments)
		return -ENOMEM;
	b->memory = sizeof(*b->segments);
	b->segments[0] = segment_new(b, 0, 0);
	if (!b->segments[0]) {
		free(b->segments);
		b->segments = NULL;
		b->memory = 0;
		return -ENOMEM;
	}
	return 0;
}

struct block *blocks_insert_by(struct blocks *b, uint64_t hash, const struct block *block)
{
	struct blocks_segment *s;
	struct block *place;

	if (!b->segments && blocks_open(b))
		return NULL;
	for (s = segment_of(b, hash); s->live == SEGMENT_BLOCKS; s = segment_of(b, hash))
		if (segment_split(b, s, hash))
			return NULL;
	place = segment_insert(b, s, hash, block);
	b->count += place != NULL;
	return place;
}

struct block *blocks_insert(struct blocks *b, const struct block *block)
{
	return blocks_insert_by(b, hash_of(b, block->address), block);
}

struct block *blocks_find(const struct blocks *b, uint64_t address)
{
	struct blocks_place place;

	return blocks_find_by(b, hash_of(b, address), address, &place);
}

/* The segment that split off together with this one, when both are so empty that one will do. */
static struct blocks_segment *mergeable_buddy(const struct blocks *b,
					      const struct blocks_segment *s, uint64_t hash)
{
	struct blocks_segment *buddy;

	if (!s->depth)
		return NULL;
	buddy = segment_of(b, hash ^ 1ull << (64 - s->depth));
	return buddy->depth == s->depth && buddy->live + s->live <= SEGMENT_BLOCKS / 4 ? buddy
										       : NULL;
}

/* Failure is no harm: the segment stays as large as it was. */
static void blocks_shrink(struct blocks *b, struct blocks_segment *s, uint64_t hash)
{
	struct blocks_segment *buddy = mergeable_buddy(b, s, hash);
	uint32_t depth = buddy ? s->depth - 1 : s->depth;
	struct blocks_segment *to = segment_new(b, depth, s->live + (buddy ? buddy->live : 0));

	if (!to)
		return;
	if (segment_copy_to(b, s, to, to) || (buddy && segment_copy_to(b, buddy, to, to))) {
		segment_free(b, to);
		return;
	}
	directory_set(b, hash, depth, to);
	b->changes++;
	segment_free(b, s);
	segment_free(b, buddy);
}

void blocks_remove_by(struct blocks *b, uint64_t hash, struct blocks_place place)
{
	struct blocks_segment *s = segment_of(b, hash);
	bool sparse = segment_is_sparse(s);

	segment_remove(s, hash, place);
	b->count--;
	if (sparse)
		blocks_shrink(b, s, hash);
}

void blocks_remove(struct blocks *b, struct block *block)
{
	uint64_t hash = hash_of(b, block->address);
	struct blocks_place place;

	if (blocks_find_by(b, hash, block->address, &place) != block)
		abort(); /* the pointer was kept too long */
	blocks_remove_by(b, hash, place);
}

size_t blocks_memory(const struct blocks *b)
{
	return b->memory;
}

/* The directory index after the last entry of the segment at `i`. */
static size_t directory_after(const struct blocks *b, size_t i)
{
	return i + ((size_t)1 << (b->depth - b->segments[i]->depth));
}

void blocks_settle(struct blocks *b)
{
	const size_t count = (size_t)1 << b->depth;

	if (!b->small_chunks || b->count < HUGE_FROM)
		return;
	for (uint32_t n = 0; n < SETTLE_SEGMENTS; n++) {
		size_t i = b->settle_at < count ? b->settle_at : 0;

		if (segment_settle(b, b->segments[i]))
			return;
		b->settle_at = (uint32_t)directory_after(b, i);
	}
}

/* Iterators are (directory index of a segment's first entry, block number). */
struct block *blocks_next(const struct blocks *b, size_t *iterator)
{
	size_t i = *iterator >> 16, ref = *iterator & 0xffff;

	if (!b->segments)
		return NULL;
	for (; i < (size_t)1 << b->depth; i = directory_after(b, i), ref = 0) {
		const struct blocks_segment *s = b->segments[i];

		for (; ref < s->capacity; ref++) {
			struct block *block = block_at(s, (uint32_t)ref);

			if (block->address) {
				*iterator = i << 16 | (ref + 1);
				return block;
			}
		}
	}
	*iterator = i << 16;
	return NULL;
}

void blocks_done(struct blocks *b)
{
	const struct blocks kept = {
		.seed = b->seed, .pieces = b->pieces, .changes = b->changes + 1};

	if (b->segments) {
		for (size_t i = 0, next; i < (size_t)1 << b->depth; i = next) {
			next = directory_after(b, i);
			segment_free(b, b->segments[i]);
		}
		free(b->segments);
	}
	*b = kept;
}

static struct blocks_segment *segment_copy(struct blocks *b, const struct blocks_segment *from)
{
	struct blocks_segment *s = segment_new(b, from->depth, from->live);

	if (s && segment_copy_to(b, from, s, s)) {
		segment_free(b, s);
		s = NULL;
	}
	return s;
}

int blocks_copy(struct blocks *to, const struct blocks *from)
{
	size_t count = (size_t)1 << from->depth;

	if (!from->segments)
		return 0;
	to->seed = from->seed;
	to->changes++;
	to->segments = calloc(count, sizeof(*to->segments));
	if (!to->segments)
		return -ENOMEM;
	to->depth = from->depth;
	to->memory = count * sizeof(*to->segments);
	for (size_t i = 0, next; i < count; i = next) {
		struct blocks_segment *s = segment_copy(to, from->segments[i]);

		next = directory_after(from, i);
		if (!s) {
			/* Only whole segments so far: let the rest be seen as nothing. */
			for (size_t k = 0; k < i; k = directory_after(to, k))
				segment_free(to, to->segments[k]);
			free(to->segments);
			*to = (struct blocks){.seed = from->seed, .pieces = to->pieces};
			return -ENOMEM;
		}
		for (size_t k = i; k < next; k++)
			to->segments[k] = s;
	}
	to->count = from->count;
	return 0;
}

static const char *segment_check(const struct blocks *b, const struct blocks_segment *s, size_t at)
{
	uint32_t live = 0, slots = 0;
	struct blocks_place place;

	for (uint32_t ref = 0; ref < s->capacity; ref++) {
		const struct block *block = block_at(s, ref);
		uint64_t hash = hash_of(b, block->address);

		if (!block->address)
			continue;
		live++;
		if (directory_index(hash, s->depth) != at >> (b->depth - s->depth))
			return "a block is in the wrong segment";
		if (segment_find(s, hash, block->address, &place) != block)
			return "a block is not found by its address";
	}
	for (uint32_t i = 0; i < s->bucket_count; i++)
		for (uint32_t k = 0; k < BUCKET_SLOTS; k++)
			slots += s->buckets[i].tags[k] != 0;
	if (live != s->live || slots != live)
		return "live blocks of a segment are not as counted";
	return NULL;
}

static uint32_t small_chunks(const struct blocks_segment *s)
{
	return s->capacity / CHUNK_BLOCKS - (uint32_t)__builtin_popcount(s->huge);
}

const char *blocks_check(const struct blocks *b)
{
	size_t memory = sizeof(*b->segments) << b->depth;
	uint64_t count = 0;
	uint32_t small = 0;

	if (!b->segments)
		return b->count || b->memory ? "an empty table has a count" : NULL;
	for (size_t i = 0; i < (size_t)1 << b->depth; i = directory_after(b, i)) {
		const struct blocks_segment *s = b->segments[i];
		const char *wrong = segment_check(b, s, i);

		if (wrong)
			return wrong;
		for (size_t k = i; k < directory_after(b, i); k++)
			if (b->segments[k] != s)
				return "a segment's directory entries are not all there";
		count += s->live;
		small += small_chunks(s);
		memory += segment_memory(s);
	}
	if (count != b->count)
		return "the count is not that of the segments";
	if (small != b->small_chunks)
		return "small chunks are not as counted";
	return memory != b->memory ? "the memory is not that of the segments" : NULL;
}
