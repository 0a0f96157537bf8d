/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals in the middle of an allocation: left by siglongjmp(), allocating in the handler, the same
 * on an alternate stack that lies above the thread's own, and a handler that switches to another
 * context and comes back later.
 */
#include "harm.h"
#include "own.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#define ROUNDS	    499
#define STACK_BYTES ((size_t)256 << 10)

static sigjmp_buf out;
static long handled, resumed, left;
static ucontext_t from, other;

static void signal_self(void)
{
	pthread_kill(pthread_self(), SIGUSR1);
}

static void handle(void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	sigaction(SIGUSR1, &action, NULL);
	inside = signal_self;
}

SITE static void *ask(size_t size)
{
	void *p = malloc(size);

	KEEP(p);
	return p;
}

static void on_jump(int number)
{
	(void)number;
	handled++;
	siglongjmp(out, 1);
}

static void jumps(void)
{
	handle(on_jump, 0);
	for (volatile long i = 0; i < ROUNDS; i++) {
		if (sigsetjmp(out, 1))
			left++;
		else
			ask(OWN_INSIDE);
		free(ask(100));
	}
	harm_say("left", left);
}

static void on_allocate(int number)
{
	void *p = ask(300);

	(void)number;
	if (p)
		handled++;
	p = realloc(p, 600);
	KEEP(p);
	free(p);
}

static void allocates(void)
{
	handle(on_allocate, 0);
	for (long i = 0; i < ROUNDS; i++)
		free(ask(i % 2 ? OWN_INSIDE : 77));
}

static void *high_stack_thread(void *stack)
{
	stack_t alternate = {.ss_sp = stack, .ss_size = STACK_BYTES};

	sigaltstack(&alternate, NULL);
	handle(on_allocate, SA_ONSTACK);
	for (long i = 0; i < ROUNDS; i++)
		free(ask(OWN_INSIDE));
	return NULL;
}

/* The thread's stack in the lower half of a mapping, what `high` gets in the upper half. */
static void on_low_stack(void *(*run)(void *))
{
	char *memory = mmap(NULL, 2 * STACK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, memory, STACK_BYTES);
	if (!pthread_create(&thread, &attributes, run, memory + STACK_BYTES))
		pthread_join(thread, NULL);
	munmap(memory, 2 * STACK_BYTES);
}

static void other_context(void)
{
	for (;;) {
		void *p = ask(500);

		free(p);
		resumed += p != NULL;
		swapcontext(&other, &from);
	}
}

static void on_switch(int number)
{
	(void)number;
	handled++;
	swapcontext(&from, &other);
}

static void *switching_thread(void *stack)
{
	getcontext(&other);
	other.uc_stack.ss_sp = stack;
	other.uc_stack.ss_size = STACK_BYTES;
	makecontext(&other, other_context, 0);
	handle(on_switch, 0);
	for (long i = 0; i < ROUNDS; i++)
		free(ask(OWN_INSIDE));
	return NULL;
}

int main(int argc, char **argv)
{
	harm_ready(argc, argv);
	free(harm_pairs(100));
	if (harm_has(argc, argv, "jump"))
		jumps();
	else if (harm_has(argc, argv, "handler"))
		allocates();
	else if (harm_has(argc, argv, "altstack"))
		on_low_stack(high_stack_thread);
	else if (harm_has(argc, argv, "preempt"))
		on_low_stack(switching_thread);
	harm_say("handled", handled);
	harm_say("resumed", resumed);
	free(harm_pairs(100));
	return 5;
}
