/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library for programs in other languages: what pairs of malloc and free take. */
#include <stdlib.h>
#include <time.h>

static unsigned long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (unsigned long)t.tv_sec * 1000000000ul + (unsigned long)t.tv_nsec;
}

/* ns of the processor for that many pairs. */
unsigned long timed_pairs(unsigned long count);
unsigned long timed_pairs(unsigned long count)
{
	unsigned long begun = now_ns(), i;

	for (i = 0; i < count; i++) {
		void *p = malloc(24);

		__asm__ volatile("" : : "r"(p) : "memory");
		free(p);
	}
	return now_ns() - begun;
}
