/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks of other shapes: coroutines (makecontext, swapcontext) that allocate in turn, an allocator
 * that calls itself 300 times before it returns, and an allocator that walks its own stack.
 */
#include "harm.h"
#include "own.h"

#include <execinfo.h>
#include <ucontext.h>

#define COROUTINES  7
#define TURNS	    100
#define STACK_BYTES 65536
#define DEPTH	    300

static ucontext_t loop, contexts[COROUTINES];
static char stacks[COROUTINES][STACK_BYTES] __attribute__((aligned(16)));
static long turns, depth, deepest, frames;

static void coroutine(int self)
{
	void *held = NULL;

	for (long i = 0; i < TURNS; i++) {
		void *p = malloc(100 + (size_t)self);

		swapcontext(&contexts[self], &loop);
		free(held);
		held = p;
		turns++;
	}
	free(held);
	for (;;)
		swapcontext(&contexts[self], &loop);
}

static void coroutines(void)
{
	for (int i = 0; i < COROUTINES; i++) {
		getcontext(&contexts[i]);
		contexts[i].uc_stack.ss_sp = stacks[i];
		contexts[i].uc_stack.ss_size = STACK_BYTES;
		makecontext(&contexts[i], (void (*)(void))coroutine, 1, i);
	}
	for (long i = 0; i <= TURNS; i++)
		for (int k = 0; k < COROUTINES; k++)
			swapcontext(&loop, &contexts[k]);
	harm_say("turns", turns);
}

static void recurse(void)
{
	void *p;

	if (++depth > deepest)
		deepest = depth;
	if (depth < DEPTH) {
		p = malloc(OWN_INSIDE);
		KEEP(p);
		free(p);
	}
	depth--;
}

static void walk(void)
{
	void *pcs[64];
	int n = backtrace(pcs, 64);

	frames = n > frames ? n : frames;
	if (n < frames)
		frames = -n;
}

SITE static void many(long count)
{
	for (long i = 0; i < count; i++) {
		void *p = malloc(OWN_INSIDE);

		KEEP(p);
		free(p);
	}
}

int main(int argc, char **argv)
{
	void *warm[4];

	/* loads libgcc, which allocates */
	if (harm_has(argc, argv, "walk"))
		backtrace(warm, 4);
	harm_ready(argc, argv);
	if (harm_has(argc, argv, "coroutines"))
		coroutines();
	if (harm_has(argc, argv, "deep"))
		inside = recurse;
	if (harm_has(argc, argv, "walk"))
		inside = walk;
	many(20);
	harm_say("deepest", deepest);
	harm_say("frames", frames);
	free(harm_pairs(100));
	return 6;
}
