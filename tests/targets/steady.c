/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments: UNITS (100003) SPINS (4000). So many units of the same work, SPINS turns of a loop each, with three kinds of blocks: one that
 * goes at once, one that replaces the oldest of CACHED, and each LEAK_EVERY units one that stays. UNITS 0: until stdin is closed.
 */
#include <poll.h>
#include "target.h"

#define CACHED	   1009
#define LEAK_EVERY 16
#define LOOK_EVERY 1024
#define SHORT	   100
#define CACHE	   200
#define LEAK	   64

static void *cached[CACHED];
static volatile unsigned long spun;

SITE static void site_short(void)
{
	void *p = malloc(SHORT);

	KEEP(p);
	free(p);
}

SITE static void site_cache(long unit)
{
	void *p = malloc(CACHE);

	KEEP(p);
	free(cached[unit % CACHED]);
	cached[unit % CACHED] = p;
}

SITE static void site_leak(void)
{
	void *p = malloc(LEAK);

	KEEP(p);
}

static void spin(long spins)
{
	for (long i = 0; i < spins; i++)
		spun = spun + 1;
}

static int stdin_closed(void)
{
	struct pollfd p = {.fd = 0, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static long work(long units, long spins)
{
	long i;

	for (i = 0; units ? i < units : i < CACHED || i % LOOK_EVERY || !stdin_closed(); i++) {
		spin(spins);
		site_short();
		site_cache(i);
		if (i % LEAK_EVERY == 0)
			site_leak();
	}
	return i;
}

static void book(const char *site, long bytes, long made, long left)
{
	struct truth_row *row = truth_find("malloc", site);

	row->bytes = bytes * left;
	row->count = left;
	truth.alloc_bytes += bytes * made;
	truth.alloc_count += made;
	truth.free_count += made - left;
}

int main(int argc, char **argv)
{
	long units = target_number(argc, argv, 0, 100003),
	     spins = target_number(argc, argv, 1, 4000);

	if ((units && units < CACHED) || spins < 0)
		return 2;
	target_ready(argc, argv);
	units = work(units, spins);
	book("site_short", SHORT, units, 0);
	book("site_cache", CACHE, units, CACHED);
	book("site_leak", LEAK, (units + LEAK_EVERY - 1) / LEAK_EVERY,
	     (units + LEAK_EVERY - 1) / LEAK_EVERY);
	target_done();
	return 0;
}
