/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call that is left by an exception, and afterwards calls from the function that caught it: with
 * an allocator that defines operator new itself, the call was entered and never returned.
 */
#include "target.h"

#include <new>

#define BLOCKS 1009
#define FREED  503

static void *blocks[BLOCKS];

SITE static void *site_after(void)
{
	void *p = malloc(181);

	KEEP(p);
	gave("malloc", "site_after", 181);
	return p;
}

/* Volatile: the compiler must not see that the size is impossible. */
static volatile size_t impossible = SIZE_MAX / 4;

SITE static void catch_and_go_on(void)
{
	try {
		KEEP(::operator new(impossible));
	} catch (const std::bad_alloc &) {
		target_truth("caught", 1);
	}
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = site_after();
	for (int i = 0; i < FREED; i++) {
		free(blocks[i]);
		took("malloc", "site_after", 181);
	}
}

int main(int argc, char **argv)
{
	target_ready(argc, argv);
	catch_and_go_on();
	target_done();
	return 0;
}
