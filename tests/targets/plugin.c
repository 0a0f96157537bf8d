/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The library that dl.c loads. */
#include <stdlib.h>

void *plugin_allocate(size_t bytes);

__attribute__((noinline)) static void *site_plugin(size_t bytes)
{
	void *p = malloc(bytes);

	__asm__ volatile("" : : "r"(p) : "memory");
	return p;
}

void *plugin_allocate(size_t bytes)
{
	void *p = site_plugin(bytes);

	__asm__ volatile("" : : "r"(p) : "memory");
	return p;
}
