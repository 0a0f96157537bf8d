/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of blocks.c: one segment of a table of blocks, and how addresses are looked up in it. The
 * essay is there. The look-up is inline: it is the hottest code of the heap.
 */
#ifndef HEAP_SEGMENT_H
#define HEAP_SEGMENT_H

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include "blocks.h"

#define BUCKET_SLOTS   20u
#define BUCKET_FULL    18u /* slots used on average when the index grows */
#define CHUNK_BLOCKS   256u
#define FIRST_BLOCKS   16u
#define SEGMENT_BLOCKS 8192u
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
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tags are read as little endian words");

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

/*
 * A bit for each slot whose tag is that one (0: which are free). Free of branches: in which slot a
 * block is cannot be predicted. Without SSE2 eight tags at a time; then sometimes a slot more whose
 * tag differs in the lowest bit, which does no harm: addresses are compared, and no tag is 1.
 */
static inline uint32_t bucket_matches(const struct bucket *k, uint8_t tag)
{
#ifdef __SSE2__
	const __m128i *tags = (const void *)k;
	__m128i wanted = _mm_set1_epi8((char)tag);
	uint32_t low = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_load_si128(tags), wanted));
	uint32_t high =
		(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_load_si128(tags + 1), wanted));

	return low | (high & 0xf) << 16;
#else
	uint32_t mask = 0;

	for (uint32_t i = 0; i < 3; i++) {
		uint64_t x, zero;

		memcpy(&x, (const uint8_t *)k + i * 8, sizeof(x));
		x ^= EACH_BYTE(tag);
		zero = (x - EACH_BYTE(0x01)) & ~x & EACH_BYTE(0x80);
		mask |= (uint32_t)((zero >> 7) * 0x0102040810204080ull >> 56) << (i * 8);
	}
	return mask & ((1u << BUCKET_SLOTS) - 1);
#endif
}

static inline struct block *bucket_find(const struct blocks_segment *s, const struct bucket *k,
					uint8_t tag, uint64_t address, uint32_t *slot)
{
	for (uint32_t m = bucket_matches(k, tag); m; m &= m - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(m);
		struct block *found = block_at(s, k->refs[i]);

		if (found->address == address) {
			*slot = i;
			return found;
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

/* segment.c. All take the table for its hash and its count of memory. */
size_t segment_memory(const struct blocks_segment *s);
void segment_free(struct blocks *b, struct blocks_segment *s);
/* An empty segment whose index is large enough for `blocks` and some more. NULL: no memory. */
struct blocks_segment *segment_new(struct blocks *b, uint32_t depth, uint32_t blocks);
/* The segment is not full. NULL when out of memory (nothing changed). */
struct block *segment_insert(struct blocks *b, struct blocks_segment *s, uint64_t hash,
			     const struct block *block);
/* The block that segment_find() found there. */
void segment_remove(struct blocks_segment *s, uint64_t hash, uint32_t bucket, uint32_t slot);
/*
 * Copies the blocks of `from` whose hash is in the upper half of its range to `upper`, the others
 * to `lower`; they may be the same. 0 or -ENOMEM (then some are there).
 */
int segment_copy_to(struct blocks *b, const struct blocks_segment *from,
		    struct blocks_segment *lower, struct blocks_segment *upper);

#endif /* HEAP_SEGMENT_H */
