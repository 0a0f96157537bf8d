/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library constructor allocates 3 blocks before main: seen when the program is started by the
 * tracer, not when it attaches. */
#include "target.h"

int early_count(void);

SITE static void site_main(void)
{
	void *p = malloc(1213);

	KEEP(p);
	gave("malloc", "site_main", 1213);
}

int main(int argc, char **argv)
{
	for (int i = early_count(); i > 0; i--)
		gave("malloc", "site_early", 1201);
	target_ready(argc, argv);
	for (int i = 0; i < 5; i++)
		site_main();
	target_done();
	return 0;
}
