/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets its title as servers do: its variables move elsewhere, and their old place, which
 * /proc/PID/environ shows, is cleared. Argument: BLOCKS (101) to allocate; each tenth stays.
 * Built as title-conf it has options for jemalloc in it.
 */
#include "target.h"

extern char **environ;

#ifdef OPTIONS
const char *malloc_conf = OPTIONS;
#endif

static void set_title(void)
{
	char **old = environ, *start = environ[0], *end = start;
	size_t count = 0;

	while (environ[count])
		count++;
	environ = calloc(count + 1, sizeof(*environ));
	for (size_t i = 0; i < count; i++) {
		environ[i] = strdup(old[i]);
		if (old[i] + strlen(old[i]) > end)
			end = old[i] + strlen(old[i]);
	}
	memset(start, 0, (size_t)(end - start));
}

SITE static void site_title(long i)
{
	void *p = malloc(200);

	KEEP(p);
	gave("malloc", "site_title", 200);
	if (i % 10) {
		free(p);
		took("malloc", "site_title", 200);
	}
}

int main(int argc, char **argv)
{
	long blocks = target_number(argc, argv, 0, 101);

	set_title();
	target_ready(argc, argv);
	for (long i = 0; i < blocks; i++)
		site_title(i);
	target_done();
	return 0;
}
