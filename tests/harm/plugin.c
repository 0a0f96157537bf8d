/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library that brings its own malloc, for load.c; and an auditor that does nothing, for LD_AUDIT.
 */
#include <stddef.h>

static char arena[65536];
static size_t used;

__attribute__((noinline)) void *malloc(size_t size)
{
	void *p = arena + used % 32768;

	used += (size + 15) & ~(size_t)15;
	return p;
}

__attribute__((noinline)) void free(void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

long plugin_work(void);
long plugin_work(void)
{
	long n = 0;

	for (int i = 0; i < 100; i++) {
		void *p = malloc(24);

		n += p != NULL;
		free(p);
	}
	return n;
}
