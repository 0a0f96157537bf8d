/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A static program that brings its own malloc: a bump allocator that never reuses memory. */
#include "target.h"

#include <errno.h>

#define ARENA_BYTES (64ul << 20)
#define HEADER	    16ul

static char arena[ARENA_BYTES] __attribute__((aligned(16)));
static size_t arena_used;

__attribute__((noinline)) void *malloc(size_t bytes)
{
	size_t whole = (bytes + HEADER + 15) & ~15ul, at;

	if (bytes > ARENA_BYTES)
		goto full;
	at = __atomic_fetch_add(&arena_used, whole, __ATOMIC_RELAXED);
	if (at + whole > ARENA_BYTES)
		goto full;
	memcpy(arena + at, &bytes, sizeof(bytes));
	return arena + at + HEADER;
full:
	errno = ENOMEM;
	return NULL;
}

__attribute__((noinline)) void free(void *p)
{
	KEEP(p);
}

__attribute__((noinline)) void *calloc(size_t count, size_t bytes)
{
	size_t whole;

	if (__builtin_mul_overflow(count, bytes, &whole)) {
		errno = ENOMEM;
		return NULL;
	}
	return malloc(whole); /* never used before: it is zero */
}

__attribute__((noinline)) void *realloc(void *old, size_t bytes)
{
	void *p = malloc(bytes);
	size_t old_bytes = 0;

	if (!p || !old)
		return p;
	memcpy(&old_bytes, (char *)old - HEADER, sizeof(old_bytes));
	memcpy(p, old, old_bytes < bytes ? old_bytes : bytes);
	free(old);
	return p;
}

SITE static void *site_malloc(size_t bytes)
{
	void *p = malloc(bytes);

	KEEP(p);
	gave("malloc", "site_malloc", bytes);
	return p;
}

SITE static void site_calloc(size_t count, size_t bytes)
{
	void *p = calloc(count, bytes);

	KEEP(p);
	gave("calloc", "site_calloc", count * bytes);
}

SITE static void site_realloc(void *old, size_t old_bytes, size_t bytes)
{
	void *p = realloc(old, bytes);

	KEEP(p);
	if (old)
		took("malloc", "site_malloc", old_bytes);
	gave("realloc", "site_realloc", bytes);
}

SITE static void site_free(void *p, size_t bytes)
{
	free(p);
	took("malloc", "site_malloc", bytes);
}

int main(int argc, char **argv)
{
	target_ready(argc, argv);
	for (int i = 0; i < 11; i++)
		site_malloc(181);
	for (int i = 0; i < 5; i++)
		site_calloc(3, 191);
	site_realloc(NULL, 0, 193);
	site_realloc(site_malloc(197), 197, 1999);
	for (int i = 0; i < 3; i++)
		site_free(site_malloc(199), 199);
	target_done();
	return 0;
}
