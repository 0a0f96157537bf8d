/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of one segment of a table of blocks: its index of slots, its chunks, its list of free
 * blocks. Called by blocks.c only, where the essay is.
 *
 * Invariant: the index is never loaded above BUCKET_FULL of BUCKET_SLOTS, so there is always a free
 * slot; a block that is not in use has address 0 and is on the free list.
 */
#include "segment.h"
#include "pieces.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* malloc() aligns to that: a chunk begins there or that much further, so that no block lies in two cache lines. */
#define CHUNK_SHIFT 16u

_Static_assert(SEGMENT_CHUNKS <= 32 && sizeof(struct block) == 2 * CHUNK_SHIFT, "chunks");
_Static_assert(CHUNK_BLOCKS * sizeof(struct block) == PIECE_BYTES, "a chunk is a piece");

struct block *blocks_look_again(struct blocks_ahead *x, uint64_t address)
{
	struct block *block = NULL;

	if (x->segment)
		block = bucket_find(x->segment, x->bucket, x->hash, address, &x->slot);
	x->block = block;
	if (block)
		x->ref = x->bucket->refs[x->slot];
	return block;
}

bool segment_has(const struct blocks_segment *s, uint64_t hash, uint64_t address)
{
	struct blocks_place place;

	return segment_find(s, hash, address, &place) != NULL;
}

/* There is always room: the index is never loaded above BUCKET_FULL / BUCKET_SLOTS. */
static void slots_add(struct blocks_segment *s, uint64_t hash, uint32_t number)
{
	uint32_t i = home_of(s, hash);

	for (;; i = next_bucket(s, i)) {
		struct bucket *k = &s->buckets[i];
		uint32_t m = bucket_matches(k, 0);

		if (m) {
			uint32_t slot = (uint32_t)__builtin_ctz(m);

			k->tags[slot] = tag_of(hash);
			k->refs[slot] = (uint16_t)(ref_of(hash) | number);
			return;
		}
		if (k->passed < PASSED_MANY)
			k->passed++;
	}
}

static void slots_drop(struct blocks_segment *s, uint64_t hash, uint32_t bucket, uint32_t slot)
{
	s->buckets[bucket].tags[slot] = 0;
	for (uint32_t i = home_of(s, hash); i != bucket; i = next_bucket(s, i))
		if (s->buckets[i].passed < PASSED_MANY)
			s->buckets[i].passed--;
}

static void *lines_new(size_t bytes)
{
	void *v = aligned_alloc(CACHE_LINE, bytes);

	return v ? memset(v, 0, bytes) : NULL;
}

static int slots_rebuild(struct blocks *b, struct blocks_segment *s, uint32_t bucket_count)
{
	struct bucket *v = lines_new(bucket_count * sizeof(*v));

	if (!v)
		return -ENOMEM;
	b->changes++;
	b->memory += ((uint64_t)bucket_count - s->bucket_count) * sizeof(*v);
	free(s->buckets);
	s->buckets = v;
	s->bucket_count = bucket_count;
	s->limit = bucket_count * BUCKET_FULL;
	for (uint32_t number = 0; number < s->capacity; number++) {
		const struct block *block = block_at(s, number);

		if (block->address)
			slots_add(s, hash_of(b, block->address), number);
	}
	return 0;
}

size_t segment_memory(const struct blocks_segment *s)
{
	return sizeof(*s) + s->bucket_count * sizeof(*s->buckets) +
	       s->capacity * sizeof(struct block);
}

static bool chunk_is_full(const struct blocks_segment *s, uint32_t i)
{
	return s->capacity >= (i + 1) * CHUNK_BLOCKS;
}

typedef void give_fn(struct pieces *p, void *piece);

static void chunk_free(struct blocks *b, const struct blocks_segment *s, uint32_t i, give_fn *give)
{
	if (chunk_is_full(s, i) && !(s->huge >> i & 1))
		b->small_chunks--;
	if (s->pieces >> i & 1)
		give(b->pieces, s->chunks[i]);
	else if (s->chunks[i])
		free((char *)s->chunks[i] - (s->shifted >> i & 1) * CHUNK_SHIFT);
}

static void set_bit(uint32_t *bits, uint32_t i, bool value)
{
	*bits = (*bits & ~(1u << i)) | (uint32_t)value << i;
}

static void chunk_set(struct blocks_segment *s, uint32_t i, void *v, bool shifted, bool piece,
		      bool huge)
{
	set_bit(&s->shifted, i, shifted);
	set_bit(&s->pieces, i, piece);
	set_bit(&s->huge, i, huge);
	s->chunks[i] = v;
}

/* A full one. NULL: there are no pieces. */
static char *chunk_of_pieces(struct blocks *b, bool *huge)
{
	char *v = b->count >= HUGE_FROM ? pieces_take_huge(b->pieces) : NULL;

	*huge = v;
	return v ? v : pieces_take(b->pieces);
}

/* Room for `count` blocks in place of chunk i, which stays as it was when there is no memory (NULL). */
static struct block *chunk_new(struct blocks *b, struct blocks_segment *s, uint32_t i,
			       uint32_t count, uint32_t moving)
{
	bool full = count == CHUNK_BLOCKS, shifted = false, huge = false, piece;
	char *v = full ? chunk_of_pieces(b, &huge) : NULL;

	piece = v;
	if (!piece) {
		v = malloc(count * sizeof(struct block) + CHUNK_SHIFT);
		if (!v)
			return NULL;
		shifted = (uintptr_t)v % sizeof(struct block) != 0;
		v += shifted * CHUNK_SHIFT;
	}
	if (moving) {
		memcpy(v, s->chunks[i], moving * sizeof(struct block));
		chunk_free(b, s, i, pieces_give);
	}
	chunk_set(s, i, v, shifted, piece, huge);
	b->small_chunks += full && !huge;
	return s->chunks[i];
}

bool segment_settle(struct blocks *b, struct blocks_segment *s)
{
	uint32_t i = 0;
	void *v;

	while (chunk_is_full(s, i) && s->huge >> i & 1)
		i++;
	if (i == SEGMENT_CHUNKS || !chunk_is_full(s, i))
		return false;
	v = pieces_take_huge(b->pieces);
	if (!v)
		return true;
	memcpy(v, s->chunks[i], PIECE_BYTES);
	chunk_free(b, s, i, pieces_drop);
	chunk_set(s, i, v, false, true, true);
	b->changes++;
	return true;
}

void segment_free(struct blocks *b, struct blocks_segment *s)
{
	if (!s)
		return;
	b->memory -= segment_memory(s);
	for (uint32_t i = 0; i < SEGMENT_CHUNKS; i++)
		chunk_free(b, s, i, pieces_give);
	free(s->buckets);
	free(s);
}

struct blocks_segment *segment_new(struct blocks *b, uint32_t depth, uint32_t blocks)
{
	struct blocks_segment *s = lines_new(sizeof(*s));

	if (!s)
		return NULL;
	s->depth = depth;
	b->memory += sizeof(*s);
	if (slots_rebuild(b, s, (blocks + blocks / 8) / BUCKET_FULL + 1)) {
		segment_free(b, s);
		return NULL;
	}
	return s;
}

/*
 * The first chunk doubles up to its full size: most processes of a large tree have few blocks. The new blocks become
 * free, the lowest first.
 */
static int segment_add_room(struct blocks *b, struct blocks_segment *s)
{
	bool first = s->capacity < CHUNK_BLOCKS;
	uint32_t more = first ? (s->capacity ? s->capacity : FIRST_BLOCKS) : CHUNK_BLOCKS;
	uint32_t i = s->capacity / CHUNK_BLOCKS, moving = first ? s->capacity : 0;

	if (!chunk_new(b, s, i, moving + more, moving))
		return -ENOMEM;
	b->changes += moving != 0;
	for (uint32_t number = s->capacity + more; number-- > s->capacity;) {
		*block_at(s, number) = (struct block){.bytes = s->free_head};
		s->free_head = number + 1;
	}
	s->capacity += more;
	s->sparse = s->capacity > CHUNK_BLOCKS ? s->capacity / 4 : 0;
	b->memory += more * sizeof(struct block);
	return 0;
}

struct block *segment_insert(struct blocks *b, struct blocks_segment *s, uint64_t hash,
			     const struct block *block)
{
	struct block *place;
	uint32_t number;

	if (s->live >= s->limit && slots_rebuild(b, s, s->bucket_count + s->bucket_count / 8 + 1))
		return NULL;
	if (!s->free_head && segment_add_room(b, s))
		return NULL;
	number = s->free_head - 1;
	place = block_at(s, number);
	s->free_head = (uint32_t)place->bytes;
	*place = *block;
	slots_add(s, hash, number);
	s->live++;
	return place;
}

void segment_remove(struct blocks_segment *s, uint64_t hash, struct blocks_place place)
{
	uint32_t number = number_of(s->buckets[place.bucket].refs[place.slot]);
	struct block *block = block_at(s, number);

	slots_drop(s, hash, place.bucket, place.slot);
	block->address = 0;
	block->bytes = s->free_head;
	s->free_head = number + 1;
	s->live--;
}

int segment_copy_to(struct blocks *b, const struct blocks_segment *from,
		    struct blocks_segment *lower, struct blocks_segment *upper)
{
	for (uint32_t number = 0; number < from->capacity; number++) {
		const struct block *block = block_at(from, number);
		uint64_t hash = hash_of(b, block->address);
		bool up = hash << from->depth >> 63;

		if (block->address && !segment_insert(b, up ? upper : lower, hash, block))
			return -ENOMEM;
	}
	return 0;
}
