/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments: ROUNDS (20011) THREADS (2). A thread's realloc moves a block, and before that call has
 * returned another thread may have been handed the old address: whoever takes events in the order
 * of their ends loses a live block. All threads share one arena, and the blocks are too large for
 * the threads' own caches, so that a block given back by one is there for all at once.
 */
#include "target.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>

#define THREADS_MAX 16
#define HELD	    61
#define SMALL	    1201
#define LARGE	    4801

struct racer {
	pthread_t thread;
	long rounds;
	bool moves;
	long moved;
};

static pthread_barrier_t gate, finish;

SITE static void *site_small(void)
{
	void *p = malloc(SMALL);

	KEEP(p);
	return p;
}

SITE static void *site_move(void *p)
{
	p = realloc(p, LARGE);
	KEEP(p);
	return p;
}

SITE static void site_free(void *p)
{
	free(p);
}

/* Not booked with a lock: that would be slower than the race. */
static void book(const char *api, const char *site, long bytes, long outstanding)
{
	struct truth_row *row;

	truth_lock();
	row = truth_find(api, site);
	row->bytes += bytes * outstanding;
	row->count += outstanding;
	truth_unlock();
}

static void book_totals(long allocations, long bytes, long frees)
{
	truth_lock();
	truth.alloc_count += allocations;
	truth.alloc_bytes += bytes;
	truth.free_count += frees;
	truth_unlock();
}

static void run_moves(struct racer *r)
{
	void *last = NULL;

	for (long i = 0; i < r->rounds; i++) {
		void *old = site_small(),
		     *guard = site_small(); /* in the way of growing in place */
		uintptr_t before = (uintptr_t)old;
		void *p = site_move(old);

		r->moved += (uintptr_t)p != before;
		site_free(guard);
		if (last)
			site_free(last);
		last = p;
	}
	book("realloc", "site_move", LARGE, last ? 1 : 0);
	book_totals(3 * r->rounds, r->rounds * (2 * SMALL + LARGE), 3 * r->rounds - (last ? 1 : 0));
}

static void run_mallocs(struct racer *r)
{
	void *held[HELD] = {NULL};
	long outstanding = 0;

	for (long i = 0; i < r->rounds; i++) {
		if (held[i % HELD]) {
			site_free(held[i % HELD]);
			outstanding--;
		}
		held[i % HELD] = site_small();
		outstanding++;
	}
	book("malloc", "site_small", SMALL, outstanding);
	book_totals(r->rounds, r->rounds * SMALL, r->rounds - outstanding);
}

static void *racer_main(void *argument)
{
	struct racer *r = argument;

	pthread_barrier_wait(&gate);
	if (r->moves)
		run_moves(r);
	else
		run_mallocs(r);
	pthread_barrier_wait(&finish);
	for (;;)
		pause();
	return NULL;
}

int main(int argc, char **argv)
{
	static struct racer racers[THREADS_MAX];
	long rounds = target_number(argc, argv, 0, 20011), count = target_number(argc, argv, 1, 2),
	     moved = 0;

	mallopt(M_ARENA_MAX, 1);
	if (count < 2 || count > THREADS_MAX)
		return 2;
	pthread_barrier_init(&gate, NULL, (unsigned int)count + 1);
	pthread_barrier_init(&finish, NULL, (unsigned int)count + 1);
	for (long i = 0; i < count; i++) {
		racers[i].rounds = rounds;
		racers[i].moves = i % 2 == 0;
		if (pthread_create(&racers[i].thread, NULL, racer_main, &racers[i]))
			return 1;
	}
	target_ready(argc, argv);
	pthread_barrier_wait(&gate);
	pthread_barrier_wait(&finish);
	for (long i = 0; i < count; i++)
		moved += racers[i].moved;
	target_truth("moved", moved);
	target_done();
	_exit(0);
}
