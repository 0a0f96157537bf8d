/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocates 5 blocks, then replaces itself; what is true at the end are the 7 blocks of the second
 * program. */
#include "target.h"

SITE static void site_before(void)
{
	void *p = malloc(601);

	KEEP(p);
}

SITE static void site_after(void)
{
	void *p = malloc(607);

	KEEP(p);
	gave("malloc", "site_after", 607);
}

int main(int argc, char **argv)
{
	static char again_name[] = "--again", now_name[] = "--now";
	char *again[] = {argv[0], again_name, target_has(argc, argv, "--now") ? now_name : NULL,
			 NULL};

	if (target_has(argc, argv, "--again")) {
		truth.now = target_has(argc, argv, "--now");
		for (int i = 0; i < 7; i++)
			site_after();
		target_done();
		return 0;
	}
	target_ready(argc, argv);
	for (int i = 0; i < 5; i++)
		site_before();
	execv("/proc/self/exe", again);
	return 1;
}
