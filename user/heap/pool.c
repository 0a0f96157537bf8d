/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storage of sites and stacks. Only the array of chunk pointers is ever copied: 8 bytes for
 * POOL_CHUNK items.
 *
 * Invariant: chunks [0, chunk_count) are there and hold the numbers up to count.
 */
#include "pool.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CACHE_LINE 64u

void pool_init(struct pool *p, size_t item_size)
{
	memset(p, 0, sizeof(*p));
	p->item_size = (uint32_t)item_size;
}

static size_t chunk_bytes(const struct pool *p)
{
	return ((size_t)POOL_CHUNK * p->item_size + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

/* All zeros. */
static char *new_chunk(const struct pool *p)
{
	char *chunk;

	if (p->sparse) {
		chunk = mmap(NULL, chunk_bytes(p), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return chunk == MAP_FAILED ? NULL : chunk;
	}
	chunk = aligned_alloc(CACHE_LINE, chunk_bytes(p));
	if (chunk)
		memset(chunk, 0, chunk_bytes(p));
	return chunk;
}

static void free_chunk(const struct pool *p, char *chunk)
{
	if (p->sparse)
		munmap(chunk, chunk_bytes(p));
	else
		free(chunk);
}

void pool_done(struct pool *p)
{
	for (uint32_t i = 0; i < p->chunk_count; i++)
		free_chunk(p, p->chunks[i]);
	free(p->chunks);
	pool_init(p, p->item_size);
}

static int add_chunk(struct pool *p)
{
	uint32_t capacity = p->chunk_capacity ? p->chunk_capacity * 2 : 8;

	if (p->chunk_count == p->chunk_capacity) {
		char **v = realloc(p->chunks, capacity * sizeof(*v));

		if (!v)
			return -1;
		p->chunks = v;
		p->chunk_capacity = capacity;
	}
	p->chunks[p->chunk_count] = new_chunk(p);
	if (!p->chunks[p->chunk_count])
		return -1;
	p->chunk_count++;
	return 0;
}

uint32_t pool_add(struct pool *p)
{
	if (p->count == UINT32_MAX)
		return 0;
	if ((p->count + 1) / POOL_CHUNK >= p->chunk_count && add_chunk(p))
		return 0;
	return ++p->count;
}

void pool_undo(struct pool *p)
{
	memset(pool_at(p, p->count), 0, p->item_size);
	p->count--;
}

size_t pool_memory(const struct pool *p)
{
	return p->chunk_count * chunk_bytes(p) + p->chunk_capacity * sizeof(*p->chunks);
}
