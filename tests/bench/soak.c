/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments: THREADS SECONDS LIVE. Threads that do nothing but allocate and free, as fast as they can, and count exactly (the
 * protocol is that of tests/targets). LIVE 0: one malloc and free pair after the other, and a few blocks stay. Otherwise
 * LIVE blocks of random sizes are outstanding, each step replaces a random one, and all of them stay in the end.
 */
#include "../targets/target.h"

#include <pthread.h>
#include <time.h>

#define THREADS_MAX 64
#define PAIR_BYTES  64
#define KEPT	    17
#define KEPT_BYTES  227
#define SIZE_BITS   9 /* random sizes are up to 512 bytes */

struct worker {
	void **slots;
	uint16_t *sizes;
	size_t slot_count;
	uint64_t random;
	long allocs, alloc_bytes, frees, freed_bytes;
	pthread_t thread;
	char apart[64]; /* workers share no cache line */
};

static struct worker workers[THREADS_MAX];
static pthread_barrier_t gate, finish;
static int stop;

SITE static void *site_soak(struct worker *w, size_t bytes)
{
	void *p = malloc(bytes);

	KEEP(p);
	w->allocs++;
	w->alloc_bytes += (long)bytes;
	return p;
}

SITE static void soak_free(struct worker *w, void *p, size_t bytes)
{
	w->frees++;
	w->freed_bytes += (long)bytes;
	free(p);
	KEEP(w);
}

static uint64_t next_random(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

static void pairs(struct worker *w)
{
	for (int i = 0; i < KEPT; i++)
		site_soak(w, KEPT_BYTES);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		soak_free(w, site_soak(w, PAIR_BYTES), PAIR_BYTES);
}

static void fill(struct worker *w, size_t slot)
{
	w->sizes[slot] = (uint16_t)(1 + (next_random(w) >> 40) % (1u << SIZE_BITS));
	w->slots[slot] = site_soak(w, w->sizes[slot]);
}

static void replace_blocks(struct worker *w)
{
	for (size_t slot = 0; slot < w->slot_count; slot++)
		fill(w, slot);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		size_t slot = (next_random(w) >> 20) % w->slot_count;

		soak_free(w, w->slots[slot], w->sizes[slot]);
		fill(w, slot);
	}
}

static void *work(void *argument)
{
	struct worker *w = argument;

	pthread_barrier_wait(&gate);
	if (w->slot_count)
		replace_blocks(w);
	else
		pairs(w);
	pthread_barrier_wait(&finish);
	/* the end of a thread would free what was allocated before "ready" */
	for (;;)
		pause();
	return NULL;
}

static void book(const struct worker *w)
{
	struct truth_row *row = truth_find("malloc", "site_soak");

	row->bytes += w->alloc_bytes - w->freed_bytes;
	row->count += w->allocs - w->frees;
	truth.alloc_bytes += w->alloc_bytes;
	truth.alloc_count += w->allocs;
	truth.free_count += w->frees;
}

static int start(struct worker *w, long number, size_t slots)
{
	w->random = 88172645463325252ul + (uint64_t)number;
	w->slot_count = slots;
	w->slots = calloc(slots + 1, sizeof(*w->slots));
	w->sizes = calloc(slots + 1, sizeof(*w->sizes));
	return w->slots && w->sizes ? pthread_create(&w->thread, NULL, work, w) : 1;
}

int main(int argc, char **argv)
{
	long threads = target_number(argc, argv, 0, 2), seconds = target_number(argc, argv, 1, 60);
	long live = target_number(argc, argv, 2, 0);
	struct timespec length = {.tv_sec = seconds};

	if (threads < 1 || threads > THREADS_MAX)
		return 2;
	pthread_barrier_init(&gate, NULL, (unsigned int)threads + 1);
	pthread_barrier_init(&finish, NULL, (unsigned int)threads + 1);
	for (long t = 0; t < threads; t++)
		if (start(&workers[t], t, (size_t)(live / threads)))
			return 1;
	target_ready(argc, argv);
	pthread_barrier_wait(&gate);
	nanosleep(&length, NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_barrier_wait(&finish);
	for (long t = 0; t < threads; t++)
		book(&workers[t]);
	target_done();
	_exit(0);
}
