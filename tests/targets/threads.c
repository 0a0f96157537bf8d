/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments: THREADS (4) ROUNDS (10007). Each thread allocates and hands the blocks to one thread
 * that frees them, so that addresses go round between threads; each keeps 13.
 */
#include "target.h"

#include <pthread.h>
#include <sched.h>

#define THREADS_MAX  64
#define SLOTS	     64
#define KEPT	     13
#define KEPT_BYTES   223
#define PASSED_BYTES 97

struct lane {
	void *slots[SLOTS];
	long rounds;
	pthread_t thread;
};

static struct lane lanes[THREADS_MAX];
static pthread_barrier_t gate, finish;
static long thread_count;

SITE static void *site_pass(void)
{
	void *p = malloc(PASSED_BYTES);

	KEEP(p);
	gave("malloc", "site_pass", PASSED_BYTES);
	return p;
}

SITE static void site_keep(void)
{
	void *p = malloc(KEPT_BYTES);

	KEEP(p);
	gave("malloc", "site_keep", KEPT_BYTES);
}

static void *producer(void *argument)
{
	struct lane *lane = argument;

	pthread_barrier_wait(&gate);
	for (int i = 0; i < KEPT; i++)
		site_keep();
	for (long i = 0; i < lane->rounds; i++) {
		void *p = site_pass();

		while (__atomic_load_n(&lane->slots[i % SLOTS], __ATOMIC_ACQUIRE))
			sched_yield();
		__atomic_store_n(&lane->slots[i % SLOTS], p, __ATOMIC_RELEASE);
	}
	pthread_barrier_wait(&finish);
	for (;;)
		pause();
	return NULL;
}

SITE static void site_free_passed(void *p)
{
	/* counted first: the address may be handed out again at once */
	took("malloc", "site_pass", PASSED_BYTES);
	free(p);
}

static void consume(long total)
{
	while (total > 0) {
		int found = 0;

		for (long t = 0; t < thread_count; t++) {
			for (int s = 0; s < SLOTS; s++) {
				void *p = __atomic_exchange_n(&lanes[t].slots[s], NULL,
							      __ATOMIC_ACQ_REL);

				if (!p)
					continue;
				site_free_passed(p);
				total--;
				found = 1;
			}
		}
		if (!found)
			sched_yield();
	}
}

int main(int argc, char **argv)
{
	long rounds = target_number(argc, argv, 1, 10007);

	thread_count = target_number(argc, argv, 0, 4);
	if (thread_count < 1 || thread_count > THREADS_MAX)
		return 2;
	pthread_barrier_init(&gate, NULL, (unsigned int)thread_count + 1);
	pthread_barrier_init(&finish, NULL, (unsigned int)thread_count + 1);
	for (long t = 0; t < thread_count; t++) {
		lanes[t].rounds = rounds;
		if (pthread_create(&lanes[t].thread, NULL, producer, &lanes[t]))
			return 1;
	}
	target_ready(argc, argv);
	pthread_barrier_wait(&gate);
	consume(thread_count * rounds);
	pthread_barrier_wait(&finish);
	target_done();
	_exit(0);
}
