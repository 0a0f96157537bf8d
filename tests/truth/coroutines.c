/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks that are not a thread's: each coroutine is left in the depth of its frames and taken up again there. */
#include "truth.h"

#ifdef TRUTH_COROUTINES
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#define COROUTINES  6
#define STACK_BYTES (768 << 10)

struct coroutine {
	ucontext_t here, caller;
	struct lane lane;
	int begun;
};

static __thread struct coroutine *coroutines;

static SHAPE void coroutine_main(void)
{
	for (;;)
		truth_next((int)draw(30));
}

static void begin(struct coroutine *c)
{
	char *stack =
		mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED)
		abort();
	getcontext(&c->here);
	c->here.uc_stack.ss_sp = stack;
	c->here.uc_stack.ss_size = STACK_BYTES;
	c->here.uc_link = NULL;
	makecontext(&c->here, coroutine_main, 0);
	c->lane.seed = lane.seed + 1;
	c->lane.floor = (uintptr_t)stack + (300 << 10);
	c->lane.nested = 1;
	c->lane.coroutine = c;
	c->begun = 1;
}

/* Only from the thread's own stack, and not from a handler: it may go on in another one. */
SHAPE void shape_resume(int depth)
{
	if (!coroutines)
		coroutines = mmap(NULL, COROUTINES * sizeof(*coroutines), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!lane.coroutine && !lane.nested && coroutines != MAP_FAILED) {
		struct coroutine *c = &coroutines[draw(COROUTINES)];
		struct lane before = lane;

		if (!c->begun)
			begin(c);
		lane = c->lane;
		swapcontext(&c->caller, &c->here);
		c->lane = lane;
		lane = before;
		lane.seed++;
	}
	next(depth);
	KEEP(&depth);
}

SHAPE void shape_yield(int depth)
{
	struct coroutine *c = lane.coroutine;

	if (c && lane.nested == 1 && draw(3) == 0)
		swapcontext(&c->here, &c->caller);
	next(depth);
	KEEP(&depth);
}
#else
SHAPE void shape_resume(int depth)
{
	next(depth);
	KEEP(&depth);
}

SHAPE void shape_yield(int depth)
{
	next(depth);
	KEEP(&depth);
}
#endif
