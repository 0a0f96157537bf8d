/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Argument: STACKS (10000). So many random call stacks, one block of 24 bytes each, in two threads
 * one after the other: frames of every size, realigned ones, through libc, through signal handlers
 * on a stack of their own. Built without frame pointers. For each block a line "path ADDRESS
 * LETTERS" says which path_* functions glibc's backtrace() finds, outermost first.
 */
#include "target.h"

#include <alloca.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>

#define STACKS_MAX 100000
#define DEPTH	   30
#define FRAMES	   250
#define LETTERS	   64

/* Exported, so that dladdr() has their names. */
#define PATH __attribute__((noinline, noclone, visibility("default")))

struct path {
	void *block;
	char letters[LETTERS];
};

static struct path paths[STACKS_MAX];
static long path_count;
static uint64_t seed = 4711;
static char signal_stack[1 << 16];

static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % below;
}

static void write_letters(char *to, void **pcs, int n)
{
	static const char prefix[] = "path_";
	Dl_info info;
	int at = 0;

	while (n-- > 0 && at < LETTERS - 1) {
		/* a call may be the last instruction of its function */
		if (dladdr((char *)pcs[n] - 1, &info) && info.dli_sname &&
		    !strncmp(info.dli_sname, prefix, sizeof(prefix) - 1))
			to[at++] = info.dli_sname[sizeof(prefix) - 1];
	}
}

void path_z(void);
void path_a(int depth);
void path_b(int depth);
void path_c(int depth);
void path_d(int depth);
void path_e(int depth);
int path_q(const void *a, const void *b);
void path_s(int number);

PATH void path_z(void)
{
	struct path *p = &paths[path_count];
	void *pcs[FRAMES];
	int n;

	p->block = malloc(24);
	n = backtrace(pcs, FRAMES);
	write_letters(p->letters, pcs, n);
	path_count++;
	gave("malloc", "path_z", 24);
}

static __attribute__((noinline)) void go(int depth)
{
	if (depth <= 0) {
		path_z();
	} else {
		switch (draw(5)) {
		case 0: path_a(depth); break;
		case 1: path_b(depth); break;
		case 2: path_c(depth); break;
		case 3: path_d(depth); break;
		default: path_e(depth);
		}
	}
	__asm__ volatile("" : : : "memory");
}

PATH void path_a(int depth)
{
	go(depth - 1);
	KEEP(&depth);
}

PATH void path_b(int depth)
{
	char *p = alloca(16 + draw(2000));

	KEEP(p);
	go(depth - 1);
	KEEP(p);
}

PATH void path_c(int depth)
{
	char big[5000];

	KEEP(big);
	go(depth - 1);
	KEEP(big);
}

PATH void path_d(int depth)
{
	char __attribute__((aligned(64))) line[64];
	char *p = alloca(16 + draw(100));

	KEEP(line);
	KEEP(p);
	go(depth - 1);
	KEEP(p);
}

static int inside_q, inside_s;

PATH int path_q(const void *a, const void *b)
{
	if (!inside_q) {
		inside_q = 1;
		go((int)draw(5));
	}
	return *(const char *)a - *(const char *)b;
}

PATH void path_s(int number)
{
	KEEP(&number);
	go((int)draw(5));
	KEEP(&number);
}

PATH void path_e(int depth)
{
	char letters[] = "cab";
	uint32_t way = draw(8);

	if (way == 0 && !inside_q) {
		qsort(letters, 3, 1, path_q);
		inside_q = 0;
	} else if (way == 1 && !inside_s) {
		inside_s = 1;
		raise(SIGUSR1);
		inside_s = 0;
	}
	go(depth - 1);
	KEEP(letters);
}

static void *work(void *stacks)
{
	while (path_count < (long)(intptr_t)stacks)
		go((int)draw(DEPTH));
	return NULL;
}

static void say_paths(void)
{
	char line[128];

	for (long i = 0; i < path_count; i++) {
		size_t at = target_append(line, 0, "path ");

		at = target_append_number(line, at, (long)(intptr_t)paths[i].block);
		line[at++] = ' ';
		at = target_append(line, at, paths[i].letters);
		line[at++] = '\n';
		target_write(line, at);
	}
}

int main(int argc, char **argv)
{
	long stacks = target_number(argc, argv, 0, 10000);
	stack_t alternate = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
	struct sigaction action = {.sa_handler = path_s, .sa_flags = SA_ONSTACK};
	pthread_t thread;
	void *pcs[4];

	/* a stack may give several paths: room for those of the last one */
	if (stacks < 1 || stacks > STACKS_MAX - 1000)
		return 2;
	sigaltstack(&alternate, NULL);
	sigaction(SIGUSR1, &action, NULL);
	/* the first time it loads the unwinder */
	backtrace(pcs, 4);
	target_ready(argc, argv);
	work((void *)(intptr_t)(stacks / 2));
	if (pthread_create(&thread, NULL, work, (void *)(intptr_t)stacks))
		return 1;
	pthread_join(thread, NULL);
	say_paths();
	target_done();
	return 0;
}
