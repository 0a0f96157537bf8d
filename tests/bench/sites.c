/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program with many call sites, all of them in use:  sites COUNT BLOCKS RATE
 *
 * "ready PID", then after a line on stdin BLOCKS outstanding blocks at each of COUNT sites: "filled". From then on RATE
 * times a second the oldest block of the next site is replaced by a new one (every LEAKS-th site keeps the old one, too),
 * until there is more on stdin.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SITES	    100000
#define LEAKS	    100
#define TICKS	    200 /* a second */
#define SIZES	    997 /* different ones */
#define NS_PER_S    1000000000l
#define MOST_BLOCKS 64

void *visit(unsigned int site, size_t bytes);

struct program {
	unsigned int sites, blocks;
	size_t next;
	void **kept; /* one of each site, then the next one of each */
};

/* Called from one place only, so that each site is one stack. */
static __attribute__((noinline)) void turn(struct program *p, size_t count)
{
	unsigned int site;
	size_t i;

	for (i = 0; i < count; i++) {
		site = (unsigned int)(p->next % p->sites);
		if (site % LEAKS)
			free(p->kept[p->next]);
		p->kept[p->next] = visit(site, 16 + site % SIZES);
		p->next = (p->next + 1) % ((size_t)p->sites * p->blocks);
	}
}

/* Ticks have absolute times: the rate does not depend on how long the work takes. */
static void wait_tick(struct timespec *next)
{
	next->tv_nsec += NS_PER_S / TICKS;
	next->tv_sec += next->tv_nsec / NS_PER_S;
	next->tv_nsec %= NS_PER_S;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static void run(struct program *p, unsigned int rate)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	size_t count = (size_t)p->sites * p->blocks;
	struct timespec next;

	while (poll(&in, 1, 0) == 0) {
		turn(p, count);
		if (count != rate / TICKS) {
			puts("filled");
			fflush(stdout);
			count = rate / TICKS;
			clock_gettime(CLOCK_MONOTONIC, &next);
		}
		wait_tick(&next);
	}
}

static unsigned int number(const char *text, unsigned int most)
{
	unsigned long n = strtoul(text, NULL, 10);

	return n > most ? most : (unsigned int)n;
}

int main(int argc, char **argv)
{
	struct program p = {0};

	if (argc != 4) {
		fputs("usage: sites COUNT BLOCKS RATE\n", stderr);
		return 2;
	}
	p.sites = number(argv[1], SITES);
	p.blocks = number(argv[2], MOST_BLOCKS);
	p.kept = calloc((size_t)p.sites * p.blocks + 1, sizeof(*p.kept));
	if (!p.kept || !p.sites || !p.blocks)
		return 1;
	setvbuf(stdin, NULL, _IONBF, 0);
	printf("ready %d\n", (int)getpid());
	fflush(stdout);
	if (getchar() == EOF) /* unbuffered: what follows is for poll() */
		return 0;
	run(&p, number(argv[3], 100000000));
	return 0;
}
