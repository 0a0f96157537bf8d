/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Argument: STACKS (1009). So many different call stacks, one block of 41 bytes each: the bits of a
 * number choose the way. */
#include "target.h"

#define DEPTH 18

SITE static void site_leaf(void)
{
	void *p = malloc(41);

	KEEP(p);
	gave("malloc", "site_leaf", 41);
}

static void step(unsigned long way, int depth);

SITE static void site_left(unsigned long way, int depth)
{
	step(way, depth);
	KEEP(&way);
}

SITE static void site_right(unsigned long way, int depth)
{
	step(way, depth);
	KEEP(&way);
}

SITE static void step(unsigned long way, int depth)
{
	if (depth == 0)
		site_leaf();
	else if (way & 1)
		site_left(way >> 1, depth - 1);
	else
		site_right(way >> 1, depth - 1);
	KEEP(&way);
}

int main(int argc, char **argv)
{
	long stacks = target_number(argc, argv, 0, 1009);

	if (stacks < 1 || stacks > 1l << DEPTH)
		return 2;
	target_ready(argc, argv);
	for (long i = 0; i < stacks; i++)
		step((unsigned long)i, DEPTH);
	target_truth("stacks", stacks);
	target_done();
	return 0;
}
