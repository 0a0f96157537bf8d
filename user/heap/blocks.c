/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outstanding blocks of one process. Written by apply.c only.
 *
 * A directory of 1 << depth entries, picked by the top bits of a hash of the address, leads to
 * segments; a segment of local depth d stands in 1 << (depth - d) entries next to each other
 * (extendible hashing). A segment has
 *
 *   - its blocks, dense, in chunks that never move while it lives; free ones form a list that is
 * used last in, first out, so that a program that allocates and frees in turn stays within a few
 * cache lines;
 *   - an index: buckets of one cache line with 20 slots, one tag byte (7 hash bits) and a 16-bit
 * block number each. A block that finds its bucket full goes to the next one with room, and
 * `passed` of every bucket it went by is counted up. A search ends at a bucket that nobody passed:
 * no tombstones, and an address that is not there costs one or two cache lines even at the largest
 * load.
 *
 * Only the index needs room to spare, and it is a tenth of the size: it may be loaded 0.6 to 0.9
 * and the whole takes 36 to 38.5 bytes a block. Measured, growing: 36.4 to 38.3 from 10 k to 4 M
 * blocks; the figure does not depend on the number of segments, so it holds for 100 M. A segment
 * that is full splits: at most SEGMENT_BLOCKS moves (0.2 ms), the longest stall of an insertion.
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

#define BUCKET_SLOTS   20u
#define BUCKET_FULL    18u /* slots used on average when the index grows */
#define CHUNK_BLOCKS   256u
#define FIRST_BLOCKS   16u
#define SEGMENT_BLOCKS 16384u
#define SEGMENT_CHUNKS (SEGMENT_BLOCKS / CHUNK_BLOCKS)
#define PASSED_MANY    255u

#define EACH_BYTE(v) (0x0101010101010101ull * (v))

struct bucket {
	uint8_t tags[BUCKET_SLOTS]; /* 0: free; else 0x80 and 7 bits of the hash */
	uint8_t passed;
	uint8_t pad[3];
	uint16_t refs[BUCKET_SLOTS];
};
_Static_assert(sizeof(struct bucket) == 64, "bucket");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tag words are read as little endian");

struct blocks_segment {
	struct bucket *buckets;
	uint32_t bucket_count;
	uint32_t live;	    /* blocks in use */
	uint32_t used;	    /* block numbers handed out so far, the free ones below included */
	uint32_t capacity;  /* blocks that the chunks hold */
	uint32_t free_head; /* block number + 1; the next one is in its `bytes` */
	uint32_t depth;
	struct block *chunks[SEGMENT_CHUNKS];
};

/* Two rounds of multiply and fold: aligned addresses differ in few low bits, all result bits must
 * depend on them. */
static inline uint64_t hash_of(const struct blocks *b, uint64_t address)
{
	uint64_t x = address ^ b->seed;

	x = (x ^ x >> 32) * 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 29) * 0xd6e8feb86659fd93ull;
	return x ^ x >> 32;
}

static inline uint8_t tag_of(uint64_t hash)
{
	return 0x80 | (hash >> 32 & 0x7f);
}

static inline uint32_t home_of(const struct blocks_segment *s, uint64_t hash)
{
	return (hash & 0xffffffff) * s->bucket_count >> 32;
}

static inline uint32_t next_bucket(const struct blocks_segment *s, uint32_t i)
{
	return i + 1 == s->bucket_count ? 0 : i + 1;
}

static inline size_t directory_index(uint64_t hash, uint32_t depth)
{
	return hash >> 1 >> (63 - depth);
}

static inline struct blocks_segment *segment_of(const struct blocks *b, uint64_t hash)
{
	return b->segments[directory_index(hash, b->depth)];
}

static inline struct block *block_at(const struct blocks_segment *s, uint32_t ref)
{
	return &s->chunks[ref / CHUNK_BLOCKS][ref % CHUNK_BLOCKS];
}

/* Eight tags at a time; the last word has four. */
static inline uint64_t tag_word(const struct bucket *k, uint32_t word)
{
	uint64_t w;

	memcpy(&w, (const uint8_t *)k + word * 8, sizeof(w));
	return word == 2 ? w & 0xffffffff : w;
}

/* 0x80 at each byte that is equal, and sometimes at one that differs in its lowest bit: addresses
 * are compared. */
static inline uint64_t tag_matches(uint64_t word, uint8_t tag)
{
	uint64_t x = word ^ EACH_BYTE(tag);

	return (x - EACH_BYTE(0x01)) & ~x & EACH_BYTE(0x80);
}

static inline uint64_t tag_free(uint64_t word, uint32_t number)
{
	return ~word & (number == 2 ? 0x80808080u : EACH_BYTE(0x80));
}

static inline struct block *bucket_find(const struct blocks_segment *s, const struct bucket *k,
					uint8_t tag, uint64_t address, uint32_t *slot)
{
	for (uint32_t word = 0; word < 3; word++) {
		uint64_t m = tag_matches(tag_word(k, word), tag);

		for (; m; m &= m - 1) {
			uint32_t i = word * 8 + (uint32_t)__builtin_ctzll(m) / 8;
			struct block *found = block_at(s, k->refs[i]);

			if (found->address == address) {
				*slot = i;
				return found;
			}
		}
	}
	return NULL;
}

static inline struct block *segment_find(const struct blocks_segment *s, uint64_t hash,
					 uint64_t address, uint32_t *bucket, uint32_t *slot)
{
	uint32_t i = home_of(s, hash);
	uint8_t tag = tag_of(hash);

	for (uint32_t n = 0; n < s->bucket_count; n++, i = next_bucket(s, i)) {
		struct block *found = bucket_find(s, &s->buckets[i], tag, address, slot);

		if (found) {
			*bucket = i;
			return found;
		}
		if (!s->buckets[i].passed)
			return NULL;
	}
	return NULL;
}

/* There is always room: the index is never loaded above BUCKET_FULL / BUCKET_SLOTS. */
static void index_add(struct blocks_segment *s, uint64_t hash, uint32_t ref)
{
	uint32_t i = home_of(s, hash);

	for (;; i = next_bucket(s, i)) {
		struct bucket *k = &s->buckets[i];

		for (uint32_t word = 0; word < 3; word++) {
			uint64_t m = tag_free(tag_word(k, word), word);

			if (m) {
				uint32_t slot = word * 8 + (uint32_t)__builtin_ctzll(m) / 8;

				k->tags[slot] = tag_of(hash);
				k->refs[slot] = (uint16_t)ref;
				return;
			}
		}
		if (k->passed < PASSED_MANY)
			k->passed++;
	}
}

static void index_drop(struct blocks_segment *s, uint64_t hash, uint32_t bucket, uint32_t slot)
{
	s->buckets[bucket].tags[slot] = 0;
	for (uint32_t i = home_of(s, hash); i != bucket; i = next_bucket(s, i))
		if (s->buckets[i].passed < PASSED_MANY)
			s->buckets[i].passed--;
}

static struct bucket *buckets_new(uint32_t count)
{
	struct bucket *v = aligned_alloc(sizeof(*v), count * sizeof(*v));

	if (v)
		memset(v, 0, count * sizeof(*v));
	return v;
}

static int index_rebuild(struct blocks *b, struct blocks_segment *s, uint32_t bucket_count)
{
	struct bucket *v = buckets_new(bucket_count);

	if (!v)
		return -ENOMEM;
	b->memory += ((uint64_t)bucket_count - s->bucket_count) * sizeof(*v);
	free(s->buckets);
	s->buckets = v;
	s->bucket_count = bucket_count;
	for (uint32_t ref = 0; ref < s->used; ref++) {
		const struct block *block = block_at(s, ref);

		if (block->address)
			index_add(s, hash_of(b, block->address), ref);
	}
	return 0;
}

static size_t segment_memory(const struct blocks_segment *s)
{
	return sizeof(*s) + s->bucket_count * sizeof(*s->buckets) +
	       s->capacity * sizeof(struct block);
}

static void segment_free(struct blocks *b, struct blocks_segment *s)
{
	if (!s)
		return;
	b->memory -= segment_memory(s);
	for (uint32_t i = 0; i < SEGMENT_CHUNKS; i++)
		free(s->chunks[i]);
	free(s->buckets);
	free(s);
}

/* An empty segment whose index is large enough for `blocks` and some more. */
static struct blocks_segment *segment_new(struct blocks *b, uint32_t depth, uint32_t blocks)
{
	struct blocks_segment *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->depth = depth;
	b->memory += sizeof(*s);
	if (index_rebuild(b, s, (blocks + blocks / 4) / BUCKET_FULL + 1)) {
		segment_free(b, s);
		return NULL;
	}
	return s;
}

/* The first chunk doubles up to its full size: most processes of a large tree have few blocks. */
static int segment_add_room(struct blocks *b, struct blocks_segment *s)
{
	bool first = s->capacity < CHUNK_BLOCKS;
	uint32_t more = first ? (s->capacity ? s->capacity : FIRST_BLOCKS) : CHUNK_BLOCKS;
	struct block **chunk = &s->chunks[s->capacity / CHUNK_BLOCKS];
	struct block *v;

	v = realloc(*chunk, (first ? s->capacity + more : more) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	*chunk = v;
	s->capacity += more;
	b->memory += more * sizeof(*v);
	return 0;
}

/* The segment is not full. NULL when out of memory. */
static struct block *segment_insert(struct blocks *b, struct blocks_segment *s, uint64_t hash,
				    const struct block *block)
{
	struct block *place;
	uint32_t ref;

	if (s->live >= s->bucket_count * BUCKET_FULL &&
	    index_rebuild(b, s, s->bucket_count + s->bucket_count / 2 + 1))
		return NULL;
	if (s->free_head) {
		ref = s->free_head - 1;
		place = block_at(s, ref);
		s->free_head = (uint32_t)place->bytes;
	} else {
		if (s->used == s->capacity && segment_add_room(b, s))
			return NULL;
		ref = s->used++;
		place = block_at(s, ref);
	}
	*place = *block;
	index_add(s, hash, ref);
	s->live++;
	return place;
}

/* Moves the blocks of `from` whose hash is in the upper half of its range to `upper`, the others to
 * `lower`. */
static int segment_move(struct blocks *b, const struct blocks_segment *from,
			struct blocks_segment *lower, struct blocks_segment *upper)
{
	for (uint32_t ref = 0; ref < from->used; ref++) {
		const struct block *block = block_at(from, ref);
		uint64_t hash = hash_of(b, block->address);
		bool up = hash << from->depth >> 63;

		if (block->address && !segment_insert(b, up ? upper : lower, hash, block))
			return -ENOMEM;
	}
	return 0;
}

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
	err = lower && upper ? segment_move(b, s, lower, upper) : -ENOMEM;
	if (err) {
		segment_free(b, lower);
		segment_free(b, upper);
		return err;
	}
	directory_set(b, hash & ~bit, s->depth + 1, lower);
	directory_set(b, hash | bit, s->depth + 1, upper);
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

struct block *blocks_insert(struct blocks *b, const struct block *block)
{
	uint64_t hash = hash_of(b, block->address);
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

struct block *blocks_find(const struct blocks *b, uint64_t address)
{
	uint64_t hash = hash_of(b, address);
	uint32_t bucket, slot;

	return b->segments && address
		       ? segment_find(segment_of(b, hash), hash, address, &bucket, &slot)
		       : NULL;
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
static void segment_shrink(struct blocks *b, struct blocks_segment *s, uint64_t hash)
{
	struct blocks_segment *buddy = mergeable_buddy(b, s, hash);
	uint32_t depth = buddy ? s->depth - 1 : s->depth;
	struct blocks_segment *to = segment_new(b, depth, s->live + (buddy ? buddy->live : 0));

	if (!to)
		return;
	if (segment_move(b, s, to, to) || (buddy && segment_move(b, buddy, to, to))) {
		segment_free(b, to);
		return;
	}
	directory_set(b, hash, depth, to);
	segment_free(b, s);
	segment_free(b, buddy);
}

void blocks_remove(struct blocks *b, struct block *block)
{
	uint64_t address = block->address, hash = hash_of(b, address);
	struct blocks_segment *s = segment_of(b, hash);
	uint32_t bucket, slot, ref;

	if (segment_find(s, hash, address, &bucket, &slot) != block)
		abort(); /* the pointer was kept too long */
	ref = s->buckets[bucket].refs[slot];
	index_drop(s, hash, bucket, slot);
	block->address = 0;
	block->bytes = s->free_head;
	s->free_head = ref + 1;
	s->live--;
	b->count--;
	if (s->used > 2 * CHUNK_BLOCKS && s->live < s->used / 4)
		segment_shrink(b, s, hash);
}

void blocks_prefetch(const struct blocks *b, uint64_t address)
{
	uint64_t hash = hash_of(b, address);
	const struct blocks_segment *s;

	if (!b->segments)
		return;
	s = segment_of(b, hash);
	__builtin_prefetch(&s->buckets[home_of(s, hash)], 1);
}

void blocks_prefetch_block(const struct blocks *b, uint64_t address)
{
	uint64_t hash = hash_of(b, address);
	const struct blocks_segment *s;
	const struct bucket *k;

	if (!b->segments)
		return;
	s = segment_of(b, hash);
	k = &s->buckets[home_of(s, hash)];
	for (uint32_t word = 0; word < 3; word++) {
		uint64_t m = tag_matches(tag_word(k, word), tag_of(hash));

		if (m) {
			uint32_t slot = word * 8 + (uint32_t)__builtin_ctzll(m) / 8;

			__builtin_prefetch(block_at(s, k->refs[slot]), 1);
			return;
		}
	}
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

/* Iterators are (directory index of a segment's first entry, block number). */
struct block *blocks_next(const struct blocks *b, size_t *iterator)
{
	size_t i = *iterator >> 16, ref = *iterator & 0xffff;

	if (!b->segments)
		return NULL;
	for (; i < (size_t)1 << b->depth; i = directory_after(b, i), ref = 0) {
		const struct blocks_segment *s = b->segments[i];

		for (; ref < s->used; ref++) {
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
	uint64_t seed = b->seed;

	if (b->segments) {
		for (size_t i = 0, next; i < (size_t)1 << b->depth; i = next) {
			next = directory_after(b, i);
			segment_free(b, b->segments[i]);
		}
		free(b->segments);
	}
	memset(b, 0, sizeof(*b));
	b->seed = seed;
}

static struct blocks_segment *segment_copy(struct blocks *b, const struct blocks_segment *from)
{
	struct blocks_segment *s = segment_new(b, from->depth, from->live);

	if (s && segment_move(b, from, s, s)) {
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
			memset(to, 0, sizeof(*to));
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
	uint32_t live = 0, slots = 0, bucket, slot;

	for (uint32_t ref = 0; ref < s->used; ref++) {
		const struct block *block = block_at(s, ref);
		uint64_t hash = hash_of(b, block->address);

		if (!block->address)
			continue;
		live++;
		if (directory_index(hash, s->depth) != at >> (b->depth - s->depth))
			return "a block is in the wrong segment";
		if (segment_find(s, hash, block->address, &bucket, &slot) != block)
			return "a block is not found by its address";
	}
	for (uint32_t i = 0; i < s->bucket_count; i++)
		for (uint32_t k = 0; k < BUCKET_SLOTS; k++)
			slots += s->buckets[i].tags[k] != 0;
	if (live != s->live || slots != live)
		return "live blocks of a segment are not as counted";
	return NULL;
}

const char *blocks_check(const struct blocks *b)
{
	size_t memory = sizeof(*b->segments) << b->depth;
	uint64_t count = 0;

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
		memory += segment_memory(s);
	}
	if (count != b->count)
		return "the count is not that of the segments";
	return memory != b->memory ? "the memory is not that of the segments" : NULL;
}
