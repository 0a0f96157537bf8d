/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pairs of malloc and free under so many frames, as commands on stdin say, each answered by one line:
 *   run DEPTH STACKS COUNT   COUNT pairs under chains of DEPTH, STACKS different ones in turn: "ns N"
 *   once DEPTH               one pair under each chain that shares no function with another: "pairs N ns M"
 *   keep DEPTH               one malloc that is not freed: "kept"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHAIN_FUNCTIONS 8192
/* the first ones are for warm runs */
#define ONCE_FROM 2048

void chain(unsigned int from, unsigned int depth);
void pair_once(void);

static int keep;

__attribute__((noinline)) void pair_once(void)
{
	void *p = malloc(24);

	__asm__ volatile("" : : "r"(p) : "memory");
	if (!keep)
		free(p);
	__asm__ volatile("" : : : "memory");
}

/* Of this thread, traps included: others may want the processor, too. */
static unsigned long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (unsigned long)t.tv_sec * 1000000000ul + (unsigned long)t.tv_nsec;
}

static void run(unsigned int depth, unsigned int stacks, unsigned long count)
{
	unsigned long begun = now_ns(), i;
	unsigned int from = 0;

	for (i = 0; i < count; i++) {
		chain(from, depth);
		from = from + 1 == stacks ? 0 : from + 1;
	}
	printf("ns %lu\n", now_ns() - begun);
}

/* Each call goes on where the last one ended, until all functions were used. */
static void once(unsigned int depth)
{
	static unsigned int from = ONCE_FROM;
	unsigned long begun = now_ns();
	unsigned int pairs = 0;

	for (; pairs < 64 && from + depth < CHAIN_FUNCTIONS; from += depth, pairs++)
		chain(from, depth);
	printf("pairs %u ns %lu\n", pairs, now_ns() - begun);
}

static void obey(const char *line)
{
	unsigned int depth, stacks;
	unsigned long count;

	if (sscanf(line, "run %u %u %lu", &depth, &stacks, &count) == 3) {
		run(depth, stacks, count);
	} else if (sscanf(line, "once %u", &depth) == 1) {
		once(depth);
	} else if (sscanf(line, "keep %u", &depth) == 1) {
		keep = 1;
		chain(0, depth);
		keep = 0;
		puts("kept");
	}
	fflush(stdout);
}

int main(void)
{
	static char out[4096], line[256];

	/* nothing but pairs may allocate */
	setvbuf(stdout, out, _IOFBF, sizeof(out));
	setvbuf(stdin, NULL, _IONBF, 0);
	printf("ready %d\n", (int)getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	return 0;
}
