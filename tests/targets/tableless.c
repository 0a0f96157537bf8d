/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Built so that how its frames are left is said in .debug_frame alone. Argument: blocks to allocate
 * (11) of 1013 bytes.
 */
#include "target.h"

SITE static void site_malloc(void)
{
	void *p = malloc(1013);

	KEEP(p);
	gave("malloc", "site_malloc", 1013);
}

SITE static void outer(long count)
{
	while (count-- > 0)
		site_malloc();
	KEEP(&truth);
}

int main(int argc, char **argv)
{
	target_ready(argc, argv);
	outer(target_number(argc, argv, 0, 11));
	target_done();
	return 0;
}
