/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a hash to the numbers (refs, not 0) of things kept elsewhere: a hash table that only grows.
 * Growth moves a few slots with each insertion, so that none takes long. Zero-initialised is empty.
 * One thread at a time.
 */
#ifndef HEAP_INDEX_H
#define HEAP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_slot {
	uint32_t hash;
	uint32_t ref; /* 0: empty */
};

struct index_table {
	struct index_slot *slots;
	uint32_t mask; /* slots - 1 */
};

struct index {
	struct index_table now, old; /* old: being moved into now; complete until it is given up */
	uint32_t count;
	uint32_t moved; /* slots of old that were moved */
};

void index_done(struct index *x);
/* 0 or -ENOMEM (nothing changed). The ref must not be there. */
int index_insert(struct index *x, uint32_t hash, uint32_t ref);
size_t index_memory(const struct index *x);

/* A good 32-bit hash of up to 128 bits. */
static inline uint32_t index_hash(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t x = (a ^ seed) * 0x9e3779b97f4a7c15ull;

	x = ((x ^ x >> 32) + b) * 0xd6e8feb86659fd93ull;
	return (uint32_t)(x ^ x >> 32);
}

/* The ref that is most likely meant by a hash, or 0. No branch: nothing foretells whether the hash is one that is there. */
static inline uint32_t index_peek(const struct index *x, uint32_t hash)
{
	const struct index_slot *first;

	if (!x->now.slots)
		return 0;
	first = &x->now.slots[hash & x->now.mask];
	return first->ref & -(uint32_t)(first->hash == hash);
}

typedef bool index_match_fn(const void *context, uint32_t ref);

static inline uint32_t index_table_find(const struct index_table *t, uint32_t hash,
					index_match_fn *match, const void *context)
{
	if (!t->slots)
		return 0;
	for (uint32_t i = hash & t->mask; t->slots[i].ref; i = (i + 1) & t->mask)
		if (t->slots[i].hash == hash && match(context, t->slots[i].ref))
			return t->slots[i].ref;
	return 0;
}

/* The ref with that hash for which match() is true; 0: none. Inline so that match() is. */
static inline uint32_t index_find(const struct index *x, uint32_t hash, index_match_fn *match,
				  const void *context)
{
	uint32_t ref = index_table_find(&x->now, hash, match, context);

	return ref ? ref : index_table_find(&x->old, hash, match, context);
}

#endif /* HEAP_INDEX_H */
