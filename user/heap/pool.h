/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbered items in chunks: pointers stay valid, adding one never moves the others. Number 0 is
 * never given out. pool_init() before use, items start as zeros and are aligned to a cache line
 * when their size is. One thread at a time.
 */
#ifndef HEAP_POOL_H
#define HEAP_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_CHUNK 256u

struct pool {
	char **chunks;
	uint32_t count; /* the highest number */
	uint32_t chunk_count, chunk_capacity;
	uint32_t item_size;
	bool sparse; /* pages that are never written take no memory; for large items */
};

void pool_init(struct pool *p, size_t item_size);
void pool_done(struct pool *p);
/* The number of a new item, 0 when out of memory. */
uint32_t pool_add(struct pool *p);
/* Gives the newest number back. */
void pool_undo(struct pool *p);
size_t pool_memory(const struct pool *p);

static inline void *pool_at(const struct pool *p, uint32_t number)
{
	return p->chunks[number / POOL_CHUNK] + (size_t)(number % POOL_CHUNK) * p->item_size;
}

#endif /* HEAP_POOL_H */
