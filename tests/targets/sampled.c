/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many blocks of many sizes, so that a sample of them says something; half of some are freed, others
 * are resized. The truth of a site is said once, at the end.
 */
#include "target.h"

#include <pthread.h>

#define THREADS 4

/* How many blocks; of the pairs, every second one stays. */
#define SMALL	 20000
#define PRODUCTS 6000
#define ALIGNED	 4000
#define GROWN	 4000
#define PAIRS	 20000
#define EACH	 5000 /* of a thread */
#define LARGE	 100
#define NOTHING	 20000
#define PASSED	 6000

SITE static void *site_small(void)
{
	void *p = malloc(48);

	KEEP(p);
	return p;
}

SITE static void site_product(void)
{
	void *p = calloc(4, 50);

	KEEP(p);
}

SITE static void site_aligned(void)
{
	void *p = NULL;

	if (posix_memalign(&p, 64, 300))
		_exit(1);
	KEEP(p);
}

SITE static void *site_before(void)
{
	void *p = malloc(100);

	KEEP(p);
	return p;
}

SITE static void site_grown(void *p)
{
	p = realloc(p, 700);
	KEEP(p);
}

SITE static void *site_pair(void)
{
	void *p = malloc(160);

	KEEP(p);
	return p;
}

SITE static void site_thread(void)
{
	void *p = malloc(96);

	KEEP(p);
}

SITE static void site_large(void)
{
	void *p = malloc(500000);

	KEEP(p);
}

SITE static void site_nothing(void)
{
	void *p = malloc(0);

	KEEP(p);
}

/* What a library may pass on to another of its functions. */
SITE static void site_new(void)
{
	void *p = realloc(NULL, 240);

	KEEP(p);
}

SITE static void site_array(void)
{
	void *p = reallocarray(NULL, 10, 22);

	KEEP(p);
}

SITE static void site_little(void)
{
	void *p = aligned_alloc(16, 320);

	KEEP(p);
}

SITE static void site_string(void)
{
	void *p = strdup("a string of twenty-nine bytes");

	KEEP(p);
}

/* Threads are started before "ready", so that nothing of that is seen, and wait for the work. */
static pthread_barrier_t barrier;

static void *thread_main(void *context)
{
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < EACH; i++)
		site_thread();
	pthread_barrier_wait(&barrier);
	return context;
}

static void work(void)
{
	for (int i = 0; i < SMALL; i++)
		site_small();
	for (int i = 0; i < PRODUCTS; i++)
		site_product();
	for (int i = 0; i < ALIGNED; i++)
		site_aligned();
	for (int i = 0; i < GROWN; i++)
		site_grown(site_before());
	for (int i = 0; i < PAIRS; i++) {
		void *p = site_pair();

		if (i % 2)
			free(p);
	}
	for (int i = 0; i < LARGE; i++)
		site_large();
	for (int i = 0; i < NOTHING; i++)
		site_nothing();
	for (int i = 0; i < PASSED; i++) {
		site_new();
		site_array();
		site_little();
		site_string();
	}
}

static void say(const char *site, long bytes, long count)
{
	target_truth_two(site, bytes * count, count);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, thread_main, NULL))
			return 1;
	target_ready(argc, argv);
	pthread_barrier_wait(&barrier);
	work();
	pthread_barrier_wait(&barrier);
	say("site_small", 48, SMALL);
	say("site_product", 200, PRODUCTS);
	say("site_aligned", 300, ALIGNED);
	say("site_before", 100, 0);
	say("site_grown", 700, GROWN);
	say("site_pair", 160, PAIRS / 2);
	say("site_thread", 96, THREADS * EACH);
	say("site_large", 500000, LARGE);
	say("site_nothing", 0, NOTHING);
	say("site_new", 240, PASSED);
	say("site_array", 220, PASSED);
	say("site_little", 320, PASSED);
	say("site_string", 30, PASSED);
	target_done();
	return 0;
}
