/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments: RACES (300) ROUNDS (60013). One thread unmaps, and before its call has returned another
 * one may have been handed the same addresses: whoever takes events in the order of their ends loses
 * a live range. Ends after so many races, which it counts itself, or so many rounds.
 */
#include "target.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#define HELD   7
#define LENGTH 20480

static long races_wanted, rounds_most;
static uintptr_t leaving; /* what the other thread is unmapping right now */
static long races, stop;

SITE static void *site_leaver(void)
{
	void *p = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	KEEP(p);
	return p;
}

SITE static void *site_taker(void)
{
	void *p = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	KEEP(p);
	return p;
}

SITE static void site_unmap(void *p)
{
	munmap(p, LENGTH);
}

static void *taker_main(void *held_out)
{
	void **held = held_out;

	for (long i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		void *p;

		if (held[i % HELD])
			site_unmap(held[i % HELD]);
		p = site_taker();
		if ((uintptr_t)p == __atomic_load_n(&leaving, __ATOMIC_ACQUIRE))
			races++;
		held[i % HELD] = p;
		if (races >= races_wanted)
			break;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void leave(void)
{
	for (long i = 0; i < rounds_most && !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		void *p = site_leaver();

		__atomic_store_n(&leaving, (uintptr_t)p, __ATOMIC_RELEASE);
		site_unmap(p);
		__atomic_store_n(&leaving, 0, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
}

int main(int argc, char **argv)
{
	static void *held[HELD];
	pthread_t thread;
	long left = 0;

	races_wanted = target_number(argc, argv, 0, 300);
	rounds_most = target_number(argc, argv, 1, 60013);
	target_ready(argc, argv);
	/* its stack is mapped before the work, by the C library: not through these sites */
	if (pthread_create(&thread, NULL, taker_main, held))
		return 1;
	leave();
	pthread_join(thread, NULL);
	for (int i = 0; i < HELD; i++)
		left += held[i] != NULL;
	target_truth("races", races);
	target_truth_two("site_taker", left * LENGTH, left);
	target_truth_two("site_leaver", 0, 0);
	target_write("done\n", 5);
	target_wait();
	_exit(0);
}
