/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every allocation function of the C library, each in its own site_* function, with a prime number
 * of blocks of odd sizes, and every case of realloc. Also built statically, against glibc and
 * against musl.
 */
#include "target.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>

#define HUGE_SIZE ((size_t)1 << 62)

static volatile size_t huge_size = HUGE_SIZE; /* volatile: no warning about the size */

SITE static void *site_malloc(size_t bytes)
{
	void *p = malloc(bytes);

	KEEP(p);
	if (p)
		gave("malloc", "site_malloc", bytes);
	return p;
}

SITE static void site_free(void *p, const char *api, const char *site, size_t bytes)
{
	free(p);
	if (p)
		took(api, site, bytes);
}

SITE static void site_calloc(size_t count, size_t bytes)
{
	void *p = calloc(count, bytes);

	KEEP(p);
	if (p)
		gave("calloc", "site_calloc", count * bytes);
}

/* The old block, if any, came from site_malloc. */
SITE static void *site_realloc(void *old, size_t old_bytes, size_t bytes)
{
	void *p = realloc(old, bytes);

	KEEP(p);
	if (old && (p || bytes == 0))
		took("malloc", "site_malloc", old_bytes);
	if (p)
		gave("realloc", "site_realloc", bytes);
	return p;
}

SITE static void site_reallocarray(size_t count, size_t bytes)
{
	void *old = site_malloc(59);
	void *p = reallocarray(old, count, bytes);

	KEEP(p);
	if (p) {
		took("malloc", "site_malloc", 59);
		gave("reallocarray", "site_reallocarray", count * bytes);
	}
}

SITE static void site_memalign(size_t bytes)
{
	void *p = memalign(64, bytes);

	KEEP(p);
	if (p)
		gave("memalign", "site_memalign", bytes);
}

SITE static int site_posix_memalign(size_t alignment, size_t bytes)
{
	void *p = NULL;
	int err = posix_memalign(&p, alignment, bytes);

	KEEP(p);
	if (err == 0)
		gave("posix_memalign", "site_posix_memalign", bytes);
	return err;
}

SITE static void site_aligned_alloc(size_t bytes)
{
	void *p = aligned_alloc(64, bytes);

	KEEP(p);
	if (p)
		gave("aligned_alloc", "site_aligned_alloc", bytes);
}

SITE static void site_valloc(size_t bytes)
{
	void *p = valloc(bytes);

	KEEP(p);
	if (p)
		gave("valloc", "site_valloc", bytes);
}

#ifdef __GLIBC__
SITE static void site_pvalloc(size_t bytes)
{
	void *p = pvalloc(bytes);

	KEEP(p);
	if (p)
		gave("pvalloc", "site_pvalloc", bytes);
}
#endif

/* The block is malloc's, called by strdup. */
SITE static void site_strdup(const char *s)
{
	char *p = strdup(s);

	KEEP(p);
	if (p)
		gave("malloc", "site_strdup", strlen(s) + 1);
}

SITE static void site_thread_first(void)
{
	void *p = malloc(419);

	KEEP(p);
	if (p)
		gave("malloc", "site_thread_first", 419);
}

static pthread_barrier_t gate, finish;

static void *thread_main(void *argument)
{
	(void)argument;
	pthread_barrier_wait(&gate);
	site_thread_first();
	pthread_barrier_wait(&finish);
	/* stays: the end of a thread gives back memory of the C library */
	for (;;)
		pause();
	return NULL;
}

static void work_realloc(void)
{
	void *p, *barrier;

	site_realloc(NULL, 0, 211);
	site_realloc(site_malloc(67), 67, 3001);
	site_realloc(site_malloc(5003), 5003, 101);
	p = site_malloc(131);
	barrier = site_malloc(131); /* in the way: the next one has to move */
	KEEP(barrier);
	site_realloc(p, 131, 4099);
	site_realloc(site_malloc(73), 73, huge_size);
	site_realloc(site_malloc(79), 79, 0);
	site_reallocarray(3, 71);
	site_reallocarray(huge_size, 8);
}

static void work_aligned(void)
{
	for (int i = 0; i < 3; i++)
		site_memalign(307);
	for (int i = 0; i < 5; i++)
		site_posix_memalign(64, 311);
	if (site_posix_memalign(3, 313) != EINVAL)
		_exit(1);
	for (int i = 0; i < 2; i++)
		site_aligned_alloc(320);
	site_valloc(331);
#ifdef __GLIBC__
	for (int i = 0; i < 3; i++)
		site_pvalloc(337);
#endif
}

static void work(void)
{
	for (int i = 0; i < 7; i++)
		site_malloc(101);
	for (int i = 0; i < 3; i++)
		site_free(site_malloc(53), "malloc", "site_malloc", 53);
	site_malloc(0);
	site_free(NULL, "malloc", "site_malloc", 0);
	site_malloc(huge_size);
	site_malloc(131072 + 13);
	site_free(site_malloc(262144 + 17), "malloc", "site_malloc", 262144 + 17);
	for (int i = 0; i < 5; i++)
		site_calloc(3, 67);
	site_calloc(huge_size, 8);
	work_realloc();
	work_aligned();
	for (int i = 0; i < 2; i++)
		site_strdup("nineteen characters");
}

int main(int argc, char **argv)
{
	pthread_t thread;

	pthread_barrier_init(&gate, NULL, 2);
	pthread_barrier_init(&finish, NULL, 2);
	if (pthread_create(&thread, NULL, thread_main, NULL))
		return 1;
	target_ready(argc, argv);
	work();
	pthread_barrier_wait(&gate);
	pthread_barrier_wait(&finish);
	target_done();
	_exit(0);
}
