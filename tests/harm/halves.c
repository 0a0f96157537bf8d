/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocators of which one half has a name that nobody knows. `take`: it allocates by take() and
 * frees by free(). `release`: it allocates by malloc() and frees by release(). And what only looks
 * like that: `leak` never frees, `untouched` does neither, nor does it use what it gets, `down`
 * frees what it had before and nothing else.
 */
#include "harm.h"

#include <stddef.h>

#define OWN	    __attribute__((noinline, noclone))
#define BLOCKS	    20000
#define BLOCK_BYTES ((size_t)2048)

struct block {
	struct block *next;
};

static char arena[BLOCKS + 2000][BLOCK_BYTES] __attribute__((aligned(16)));
static size_t used;
static struct block *spare;
static void *held[BLOCKS];

static void *pop(void)
{
	struct block *b = spare;

	if (!b)
		return used < sizeof(arena) / sizeof(arena[0]) ? arena[used++] : NULL;
	spare = b->next;
	return b;
}

static void push(void *p)
{
	struct block *b = p;

	if (!b)
		return;
	b->next = spare;
	spare = b;
}

OWN void *malloc(size_t size)
{
	return size <= BLOCK_BYTES ? pop() : NULL;
}

OWN void free(void *p)
{
	push(p);
}

OWN void *calloc(size_t count, size_t size)
{
	void *p = count * size <= BLOCK_BYTES ? pop() : NULL;

	return p ? memset(p, 0, BLOCK_BYTES) : p;
}

OWN void *realloc(void *p, size_t size)
{
	return p && size <= BLOCK_BYTES ? p : malloc(size);
}

SITE static void *take(void)
{
	return pop();
}

SITE static void release(void *p)
{
	push(p);
}

static void fill(int use)
{
	for (int i = 0; i < BLOCKS; i++) {
		held[i] = malloc(1000);
		if (use && held[i])
			memset(held[i], 1, BLOCK_BYTES);
	}
}

int main(int argc, char **argv)
{
	if (harm_has(argc, argv, "down"))
		fill(1);
	harm_ready(argc, argv);
	for (int i = 0; i < 1000 && harm_has(argc, argv, "take"); i++)
		free(take());
	for (int i = 0; i < 1000 && harm_has(argc, argv, "release"); i++)
		release(malloc(100));
	if (harm_has(argc, argv, "leak") || harm_has(argc, argv, "untouched"))
		fill(harm_has(argc, argv, "leak"));
	for (int i = 0; i < BLOCKS && harm_has(argc, argv, "down"); i++)
		free(held[i]);
	harm_say("worked", 1);
	harm_line();
	return 15;
}
