/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A heap profiler in the process (LD_PRELOAD): its malloc() walks the stack each time. At the end
 * it says how deep the walks of plain.c's allocations were.
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#define FRAMES 32
#define FIRST  100 /* sizes of harm_pairs() */
#define LAST   163

static int least = FRAMES, most;
static __thread int busy;

static void walk(void)
{
	void *pcs[FRAMES];
	int n = backtrace(pcs, FRAMES);

	least = n < least ? n : least;
	most = n > most ? n : most;
}

/* Not to be left by a tail call: the frame of malloc() counts, too. */
__attribute__((noinline)) void *malloc(size_t size)
{
	static void *(*next)(size_t);
	void *p;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "malloc");
	p = next(size);
	if (size >= FIRST && size <= LAST && !busy) {
		busy = 1;
		walk();
		busy = 0;
	}
	__asm__ volatile("" : "+r"(p));
	return p;
}

__attribute__((destructor)) static void say(void)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "frames %d\nleast_frames %d\n", most, least);

	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(99);
}
