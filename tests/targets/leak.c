/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The demo: arguments RATE (100) BYTES (1000). One site leaks RATE blocks a second, one beside it
 * keeps a bounded cache of blocks that are all given back in time, and one allocates and frees at
 * once. Runs until stdin is closed, silently.
 */
#include "target.h"

#include <poll.h>
#include <time.h>

#define CACHE	    101
#define TICK_NS	    10000000l
#define TICKS_PER_S 100

static void *cache[CACHE];

SITE static void site_leak(size_t bytes)
{
	void *p = malloc(bytes);

	KEEP(p);
	if (p)
		gave("malloc", "site_leak", bytes);
}

SITE static void *site_cache(void)
{
	void *p = malloc(2003);

	KEEP(p);
	gave("malloc", "site_cache", 2003);
	return p;
}

SITE static void site_cache_free(void *p)
{
	free(p);
	took("malloc", "site_cache", 2003);
}

SITE static void site_temporary(void)
{
	void *p = malloc(307);

	KEEP(p);
	free(p);
	gave("malloc", "site_temporary", 307);
	took("malloc", "site_temporary", 307);
}

static int stdin_closed(void)
{
	struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
	char c;

	if (poll(&fd, 1, 0) <= 0)
		return 0;
	return read(STDIN_FILENO, &c, 1) <= 0;
}

int main(int argc, char **argv)
{
	long rate = target_number(argc, argv, 0, 100), bytes = target_number(argc, argv, 1, 1000);
	struct timespec tick = {0, TICK_NS};
	long owed = 0, ticks = 0;

	if (rate < 0 || rate > 1000000 || bytes < 0)
		return 2;
	target_ready(argc, argv);
	while (!stdin_closed()) {
		for (owed += rate; owed >= TICKS_PER_S; owed -= TICKS_PER_S)
			site_leak((size_t)bytes);
		if (cache[ticks % CACHE])
			site_cache_free(cache[ticks % CACHE]);
		cache[ticks % CACHE] = site_cache();
		site_temporary();
		ticks++;
		nanosleep(&tick, NULL);
	}
	target_done();
	return 0;
}
