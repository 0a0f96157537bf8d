/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An allocator in the program itself, which may be entered again at any point: malloc() of a size
 * that begin_inside() likes calls inside() while the call is under way. So a test can do within an
 * allocation, every time, what signals and profilers do there once in a long while.
 */
#ifndef HARM_OWN_H
#define HARM_OWN_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define OWN_BYTES  ((size_t)64 << 20)
#define OWN_INSIDE 4242 /* a malloc of this size calls inside() */

static char own_arena[OWN_BYTES] __attribute__((aligned(16)));
static size_t own_used;
static void (*volatile inside)(void);

__attribute__((noinline)) static void *own_take(size_t size)
{
	size_t need = ((size + 15) & ~(size_t)15) + 16;
	size_t at = __atomic_fetch_add(&own_used, need, __ATOMIC_RELAXED);

	if (at + need > OWN_BYTES) {
		errno = ENOMEM;
		return NULL;
	}
	memcpy(own_arena + at, &size, sizeof(size));
	return own_arena + at + 16;
}

/* Not to be inlined: who calls an allocator of its own must be seen calling it. */
#define OWN __attribute__((noinline, noclone))

OWN void *malloc(size_t size)
{
	void *p = own_take(size);

	if (size == OWN_INSIDE && inside)
		inside();
	return p;
}

OWN void free(void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

OWN void *calloc(size_t count, size_t size)
{
	return own_take(count * size); /* the arena is zero and given out once */
}

OWN void *realloc(void *old, size_t size)
{
	void *p = own_take(size);
	size_t had = 0;

	if (old && p) {
		memcpy(&had, (char *)old - 16, sizeof(had));
		memcpy(p, old, had < size ? had : size);
	}
	return p;
}

#endif /* HARM_OWN_H */
