/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of heap/: one segment of a table of blocks, and how addresses are looked up in it. The
 * essay is in blocks.c. The look-up is inline: it is the hottest code of the heap.
 */
#ifndef HEAP_SEGMENT_H
#define HEAP_SEGMENT_H

#include <stdbool.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include "../base/either.h"
#include "blocks.h"

#define BUCKET_SLOTS   21u
#define BUCKET_FULL    14u /* slots used on average when the index grows */
#define CHUNK_BLOCKS   256u
#define FIRST_BLOCKS   16u
#define NUMBER_BITS    13u
#define SEGMENT_BLOCKS (1u << NUMBER_BITS)
#define SEGMENT_CHUNKS (SEGMENT_BLOCKS / CHUNK_BLOCKS)
#define PASSED_MANY    255u
#define CACHE_LINE     64u
/* What lies idle in huge pages is 2.3 MB at most: from here on no more than 2.4 bytes a block. Before segments split at 2^20 blocks. */
#define HUGE_FROM (15u << 16)

#define EACH_BYTE(v) (0x0101010101010101ull * (v))

struct bucket {
	uint8_t tags[BUCKET_SLOTS]; /* 0: free; else 8 bits of the hash, never 1 */
	uint8_t passed;
	uint16_t refs
		[BUCKET_SLOTS]; /* the number of the block, and above it three more bits of the hash */
};
_Static_assert(sizeof(struct bucket) == 64, "bucket");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tags are read as little endian words");

/* Where the index of a segment has a block. */
struct blocks_place {
	uint32_t bucket, slot;
};

struct blocks_segment {
	_Alignas(CACHE_LINE) struct bucket *buckets;
	uint32_t bucket_count;
	uint32_t live;	    /* blocks in use */
	uint32_t limit;	    /* blocks in use at which the index grows */
	uint32_t capacity;  /* blocks that the chunks hold */
	uint32_t free_head; /* block number + 1; the next one is in its `bytes` */
	uint32_t depth;
	uint32_t sparse;  /* blocks in use at which it becomes smaller when one more goes */
	uint32_t shifted; /* a bit for each chunk (segment.c) */
	uint32_t pieces;  /* a bit for each chunk: it is one of b->pieces */
	uint32_t huge;	  /* a bit for each chunk: of a huge page, too */
	struct block *chunks[SEGMENT_CHUNKS];
};
_Static_assert(sizeof(struct blocks_segment) % CACHE_LINE == 0, "segment");

/* Two rounds of multiply and fold: aligned addresses differ in few low bits, all result bits must
 * depend on them, and addresses at equal distances must not come to lie at equal distances. */
static inline uint64_t hash_of(const struct blocks *b, uint64_t address)
{
	uint64_t x = (address ^ b->seed) * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
	return x ^ x >> 32;
}

static inline uint8_t tag_of(uint64_t hash)
{
	uint8_t tag = (uint8_t)(hash >> 32);

	return tag > 1 ? tag : tag + 2;
}

/* What a slot has for a block of that hash, but for the number of the block. */
static inline uint32_t ref_of(uint64_t hash)
{
	return (uint32_t)(hash >> 40) << NUMBER_BITS & UINT16_MAX;
}

static inline uint32_t number_of(uint32_t ref)
{
	return ref & (SEGMENT_BLOCKS - 1);
}

static inline bool is_ref_of(uint32_t ref, uint64_t hash)
{
	return (ref ^ ref_of(hash)) < SEGMENT_BLOCKS;
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

static inline struct block *block_at(const struct blocks_segment *s, uint32_t number)
{
	return &s->chunks[number / CHUNK_BLOCKS][number % CHUNK_BLOCKS];
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

	return low | (high & 0x1f) << 16;
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

/* A block is far away: it is looked at only when all bits of the hash that its slot has are right. */
static inline struct block *bucket_find(const struct blocks_segment *s, const struct bucket *k,
					uint64_t hash, uint64_t address, uint32_t *slot)
{
	for (uint32_t m = bucket_matches(k, tag_of(hash)); m; m &= m - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(m);
		struct block *found = block_at(s, number_of(k->refs[i]));

		if (is_ref_of(k->refs[i], hash) && found->address == address) {
			*slot = i;
			return found;
		}
	}
	return NULL;
}

/* The block and its place; NULL: it is not there. */
static inline struct block *segment_find(const struct blocks_segment *s, uint64_t hash,
					 uint64_t address, struct blocks_place *place)
{
	uint32_t i = home_of(s, hash);

	for (uint32_t n = 0; n < s->bucket_count; n++, i = next_bucket(s, i)) {
		struct block *found = bucket_find(s, &s->buckets[i], hash, address, &place->slot);

		if (found) {
			place->bucket = i;
			return found;
		}
		if (!s->buckets[i].passed)
			return NULL;
	}
	return NULL;
}

/*
 * What blocks_find(), blocks_insert() and blocks_remove() do, for callers that know the hash of the address, and, to
 * remove a block, the place where it was just found.
 */
static inline struct block *blocks_find_by(const struct blocks *b, uint64_t hash, uint64_t address,
					   struct blocks_place *place)
{
	return b->segments && address ? segment_find(segment_of(b, hash), hash, address, place)
				      : NULL;
}

/* segment.c: the address is there. */
bool segment_has(const struct blocks_segment *s, uint64_t hash, uint64_t address);
struct block *blocks_insert_by(struct blocks *b, uint64_t hash, const struct block *block);
void blocks_remove_by(struct blocks *b, uint64_t hash, struct blocks_place place);

/*
 * An address that an event will ask for, and what was found out about it ahead, step by step, so that each step finds
 * what the one before has fetched. blocks_forget() when blocks or their places have moved since, as `changes` of the table tells.
 */
struct blocks_ahead {
	uint64_t hash;
	struct blocks_segment *segment; /* NULL: nothing is known */
	struct bucket *bucket;		/* the first to be searched */
	struct block *block; /* most likely the one that is there, or will be; NULL: not known */
	uint32_t ref, slot;  /* of a block that is there: what its slot has */
};

static inline void blocks_forget(struct blocks_ahead *x)
{
	x->segment = NULL;
	x->block = NULL;
}

/* The segment itself is near: even of 100 M blocks there are no more than 1 MB of their first lines. */
static inline void blocks_fetch_bucket(const struct blocks *b, uint64_t address,
				       struct blocks_ahead *x)
{
	const struct blocks_segment *s;

	x->hash = hash_of(b, address);
	blocks_forget(x);
	if (!b->segments)
		return;
	x->segment = segment_of(b, x->hash);
	s = x->segment;
	x->bucket = &s->buckets[home_of(s, x->hash)];
	__builtin_prefetch(x->bucket, 1);
}

/* The block with that address; or, when it is `fresh`, not expected to be there, the one that it will get. */
static inline void blocks_fetch_block(struct blocks_ahead *x, uint32_t fresh)
{
	const struct blocks_segment *s = x->segment;
	uint32_t m;

	if (!s)
		return;
	m = bucket_matches(x->bucket, tag_of(x->hash));
	if (!either(fresh, s->free_head, m))
		return;
	x->slot = (uint32_t)__builtin_ctz(m | 1u << (BUCKET_SLOTS - 1));
	x->ref = x->bucket->refs[x->slot];
	x->block = block_at(s, (uint32_t)either(fresh, s->free_head - 1, number_of(x->ref)));
	__builtin_prefetch(x->block, 1);
}

/* The usual case of a search: the block is where it was seen. NULL says nothing. */
static inline struct block *blocks_seen_ahead(const struct blocks_ahead *x, uint64_t address)
{
	if (!x->block || x->block->address != address)
		return NULL;
	return (unsigned)(x->bucket->tags[x->slot] != 0) &
			       (unsigned)(x->bucket->refs[x->slot] == x->ref)
		       ? x->block
		       : NULL;
}

/*
 * The usual case of an insertion: the address is not there, its first bucket has room for it, and a block is free. NULL: nothing is done. The table's count is left to the caller.
 */
static inline struct block *blocks_put_ahead(const struct blocks_ahead *x, uint64_t address)
{
	struct blocks_segment *s = x->segment;
	struct bucket *k = x->bucket;
	struct block *block;
	uint32_t room, slot;

	if (!s || !s->free_head || s->live >= s->limit)
		return NULL;
	room = bucket_matches(k, 0);
	if (!room)
		return NULL;
	if ((bucket_matches(k, tag_of(x->hash)) | k->passed) && segment_has(s, x->hash, address))
		return NULL;
	slot = (uint32_t)__builtin_ctz(room);
	k->tags[slot] = tag_of(x->hash);
	k->refs[slot] = (uint16_t)(ref_of(x->hash) | (s->free_head - 1));
	block = block_at(s, s->free_head - 1);
	s->free_head = (uint32_t)block->bytes;
	s->live++;
	return block;
}

/*
 * The block with that address, when it is in its first bucket by now: many a block is freed so soon that it was not there
 * when its free was looked at. NULL says nothing.
 */
struct block *blocks_look_again(struct blocks_ahead *x, uint64_t address);

/* Few blocks are in use: the segment becomes smaller when one more goes. */
static inline bool segment_is_sparse(const struct blocks_segment *s)
{
	return s->live <= s->sparse;
}

/* The usual case of a removal, of the block that blocks_seen_ahead() has returned just now. False: nothing is done. The table's count
 * is left to the caller. */
static inline bool blocks_drop_ahead(const struct blocks_ahead *x)
{
	struct blocks_segment *s = x->segment;

	if (segment_is_sparse(s))
		return false;
	/* found in its first bucket, so it has passed none */
	x->bucket->tags[x->slot] = 0;
	x->block->address = 0;
	x->block->bytes = s->free_head;
	s->free_head = number_of(x->ref) + 1;
	s->live--;
	return true;
}

/* segment.c. All take the table for its hash and its count of memory. */
size_t segment_memory(const struct blocks_segment *s);
void segment_free(struct blocks *b, struct blocks_segment *s);
/* Moves a chunk to a huge page. False: there is none to be moved. */
bool segment_settle(struct blocks *b, struct blocks_segment *s);
/* An empty segment whose index is large enough for `blocks` and some more. NULL: no memory. */
struct blocks_segment *segment_new(struct blocks *b, uint32_t depth, uint32_t blocks);
/* The segment is not full. NULL when out of memory (nothing changed). */
struct block *segment_insert(struct blocks *b, struct blocks_segment *s, uint64_t hash,
			     const struct block *block);
/* The block that segment_find() found there. */
void segment_remove(struct blocks_segment *s, uint64_t hash, struct blocks_place place);
/*
 * Copies the blocks of `from` whose hash is in the upper half of its range to `upper`, the others
 * to `lower`; they may be the same. 0 or -ENOMEM (then some are there).
 */
int segment_copy_to(struct blocks *b, const struct blocks_segment *from,
		    struct blocks_segment *lower, struct blocks_segment *upper);

#endif /* HEAP_SEGMENT_H */
