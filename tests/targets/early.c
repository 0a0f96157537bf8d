/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The library of ctor.c: its constructor allocates before main. */
#include <stdlib.h>

int early_count(void);

static int count;

__attribute__((noinline)) static void site_early(void)
{
	void *p = malloc(1201);

	__asm__ volatile("" : : "r"(p) : "memory");
	count++;
}

__attribute__((constructor)) static void start(void)
{
	for (int i = 0; i < 3; i++)
		site_early();
}

int early_count(void)
{
	return count;
}
