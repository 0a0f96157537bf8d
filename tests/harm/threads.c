/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that end inside an allocation: by pthread_exit() and by being cancelled there, with
 * handlers that must run; and a process that is killed or exits while all its threads allocate.
 */
#include "harm.h"
#include "own.h"

#include <pthread.h>
#include <signal.h>

#define THREADS 40

static long cleaned;
static volatile int go_on = 1;

static void clean(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&cleaned, 1, __ATOMIC_RELAXED);
}

static void end_here(void)
{
	pthread_exit(NULL);
}

static void be_cancelled(void)
{
	pthread_cancel(pthread_self());
	pthread_testcancel();
}

static void *allocate_once(void *arg)
{
	pthread_cleanup_push(clean, NULL);
	free(malloc(100));
	free(malloc(OWN_INSIDE));
	pthread_cleanup_pop(0);
	return arg;
}

static void *allocate_on(void *arg)
{
	while (go_on) {
		for (int i = 0; i < 200; i++) {
			void *p = malloc(16);

			KEEP(p);
			free(p);
		}
	}
	return arg;
}

static void start_all(pthread_t *threads, void *(*run)(void *), int count)
{
	for (int i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, run, NULL))
			_exit(98);
}

static void end_all(void (*how)(void))
{
	pthread_t threads[THREADS];

	inside = how;
	start_all(threads, allocate_once, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	harm_say("cleaned", cleaned);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	harm_ready(argc, argv);
	free(harm_pairs(100));
	if (harm_has(argc, argv, "exit"))
		end_all(end_here);
	if (harm_has(argc, argv, "cancel"))
		end_all(be_cancelled);
	if (harm_has(argc, argv, "leave") || harm_has(argc, argv, "kill"))
		start_all(threads, allocate_on, 4);
	free(harm_pairs(2000));
	if (harm_has(argc, argv, "kill"))
		raise(SIGSEGV);
	return 10;
}
