/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An allocation after any instruction: the processor traps after each one (its TF flag), and the
 * handler goes on. Between two instructions of prologues, epilogues, binding stubs, leaf functions
 * and the C library.
 */
#include "truth.h"

#include <alloca.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#define TF 0x100

static __thread int left;

static SHAPE void on_trap(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	KEEP(&number);
	KEEP(info);
	if (left <= 0) {
		c->uc_mcontext.gregs[REG_EFL] &= ~TF;
		return;
	}
	left--;
	if (draw(3) == 0)
		truth_next((int)draw(3));
}

static __attribute__((noinline)) int leaf(const int *v)
{
	int a[8], i, sum = 0;

	for (i = 0; i < 8; i++)
		a[i] = v[i] * 3;
	for (i = 0; i < 8; i++)
		sum += a[7 - i] ^ i;
	return sum;
}

static __attribute__((noinline)) int realigned(int n)
{
	int __attribute__((aligned(64))) v[16];
	char *p = alloca((size_t)(n & 63) + 1);
	int i;

	KEEP(p);
	for (i = 0; i < 16; i++)
		v[i] = n + i;
	return leaf(v) + v[n & 15];
}

static __attribute__((noinline)) long recursive(long n, long *out)
{
	long a = n * 3, b = n ^ 5, c = n + 7, r = 0;

	if (n > 0)
		r = recursive(n - 1, out) + realigned((int)n);
	*out += a + b * c;
	return r + a - b;
}

/* The functions of the library are bound at their first call. */
static __attribute__((noinline)) void some_code(int n)
{
	struct timespec now;
	char text[64], *end;
	long sum = 0;
	jmp_buf here;

	recursive(n & 3, &sum);
	memset(text, 'a', sizeof(text));
	text[63] = 0;
	sum += strtol("123", &end, 10) + (long)strspn(text, "ab") + (long)strcspn(text, "x");
	clock_gettime(CLOCK_MONOTONIC, &now);
	sum += now.tv_nsec & 1;
	if (setjmp(here) == 0 && (sum & 1))
		longjmp(here, 1);
	sum += labs(sum) + atoi("42");
	KEEP(&sum);
	KEEP(text);
}

static void single_steps(int on)
{
	if (!on)
		return;
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "orq %0, (%%rsp)\n\t"
			 "popfq\n\t"
			 "lea 128(%%rsp), %%rsp"
			 :
			 : "i"(TF)
			 : "memory", "cc");
}

static void set_handler(void)
{
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigaction(SIGTRAP, &action, NULL);
}

/* Few, since each costs thousands of instructions. */
SHAPE void shape_stepped(int depth)
{
	if (!lane.nested && !lane.coroutine && room() && draw(30) == 0) {
		struct lane before = lane;

		set_handler();
		/* else most instructions are those of the dynamic linker that binds functions */
		if (draw(4))
			some_code(3);
		lane.nested = 5;
		lane.jumps = 0;
		/* the alternate stack is at least that large */
		lane.floor = 0;
		left = 300 + (int)draw(2500);
		single_steps(1);
		some_code(depth);
		left = 0;
		before.seed = lane.seed;
		lane = before;
	}
	next(depth);
	KEEP(&depth);
}
