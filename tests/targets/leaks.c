/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sites that leak and sites that do not, side by side, in ticks of 10 ms: site_leak_* lose blocks in different ways, site_good_* never
 * do. Blocks that are freed live two seconds at most. Runs until stdin is closed, silently.
 */
#include "target.h"

#include <poll.h>
#include <time.h>

#define TICK_NS 10000000l
#define LIFE	200 /* ticks */
#define CACHE	250

static void *visits[LIFE], *partials[LIFE], *cache[CACHE], *pile[LIFE];
static void *vector;

SITE static void *keep(void *p)
{
	KEEP(p);
	return p;
}

/* One in four is not freed. */
SITE static void site_leak_partial(long tick)
{
	void *p = keep(malloc(100)), **slot = &partials[tick % LIFE];

	free(*slot);
	*slot = tick % 4 ? p : NULL;
}

SITE static void site_leak_slow(long tick)
{
	if (tick % 25 == 0)
		keep(malloc(48));
}

/* What was enlarged is forgotten. */
SITE static void site_leak_realloc(long tick)
{
	void *p;

	if (tick % 5)
		return;
	p = keep(realloc(NULL, 10));
	keep(realloc(p, 3000));
}

SITE static void site_good_visit(long tick)
{
	void **slot = &visits[tick * 37 % LIFE];

	free(*slot);
	*slot = keep(malloc(400));
}

/* Fills in some seconds, and keeps what it has. */
SITE static void site_good_cache(long tick)
{
	if (tick < CACHE)
		cache[tick] = keep(malloc(300));
}

SITE static void site_good_pile(long tick)
{
	if (tick % LIFE == 0)
		for (int i = 0; i < LIFE; i++)
			free(pile[i]);
	pile[tick % LIFE] = keep(malloc(150));
}

SITE static void site_good_vector(long tick)
{
	if (tick % 20)
		return;
	vector = keep(realloc(vector, 64ul << tick / 20 % 10));
}

static int stdin_closed(void)
{
	struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
	char c;

	return poll(&fd, 1, 0) > 0 && read(STDIN_FILENO, &c, 1) <= 0;
}

int main(int argc, char **argv)
{
	struct timespec pause = {0, TICK_NS};

	target_ready(argc, argv);
	for (long tick = 0; !stdin_closed(); tick++) {
		site_leak_partial(tick);
		site_leak_slow(tick);
		site_leak_realloc(tick);
		site_good_visit(tick);
		site_good_cache(tick);
		site_good_pile(tick);
		site_good_vector(tick);
		nanosleep(&pause, NULL);
	}
	target_done();
	return 0;
}
