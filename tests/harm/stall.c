/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures, asserts nothing. Two threads allocate and look at the clock after each pair; at every
 * line on stdin the longest time between two looks since the line before is said, without the time
 * in which the thread could have run but other threads had the processors. With `fork` a
 * child does the same: what it costs to have been forked by a traced process. With `map` the threads
 * keep each other waiting for the process's memory map as well. At `end` it ends.
 */
#include "harm.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <sys/wait.h>

#define THREADS	  2
#define MAP_BYTES ((size_t)4 << 20)

static uint64_t longest[THREADS];
static volatile int go_on = 1;
static int maps; /* `map` */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Time spent waiting for a processor: the second number. */
static uint64_t waited_ns(int schedstat)
{
	char text[96] = "";
	const char *space;

	if (pread(schedstat, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	space = strchr(text, ' ');
	return space ? strtoull(space, NULL, 10) : 0;
}

struct moment {
	uint64_t at, waited;
};

/* Both at one time: a thread that loses its processor between the two readings takes them again. */
static struct moment moment(int schedstat)
{
	struct moment m;

	do {
		m.waited = waited_ns(schedstat);
		m.at = now_ns();
	} while (waited_ns(schedstat) != m.waited);
	return m;
}

/* The map is held for reading while pages come, and for writing while they go. */
static void change_map(void)
{
	void *p = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED || munmap(p, MAP_BYTES))
		_exit(97);
}

static void *look(void *arg)
{
	int schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	struct moment last = moment(schedstat), now;
	uint64_t *most = arg, gap, waited;

	while (go_on) {
		void *p = malloc(64);

		KEEP(p);
		free(p);
		if (maps)
			change_map();
		now = moment(schedstat);
		gap = now.at - last.at;
		waited = now.waited - last.waited;
		gap = gap > waited ? gap - waited : 0;
		if (gap > __atomic_load_n(most, __ATOMIC_RELAXED))
			__atomic_store_n(most, gap, __ATOMIC_RELAXED);
		last = now;
	}
	close(schedstat);
	return NULL;
}

static long pair_ns(void)
{
	const long count = 20000;
	uint64_t begun = now_ns();

	free(harm_pairs(count));
	return (long)((now_ns() - begun) / (uint64_t)count);
}

/* Reads a line; 0 at `end` and at the end of stdin. */
static int next_line(void)
{
	char line[32] = "";
	size_t n = 0;
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		if (n < sizeof(line) - 1)
			line[n++] = c;
	return n && strcmp(line, "end");
}

static void measure_gaps(void)
{
	pthread_t threads[THREADS];
	uint64_t most;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, look, &longest[i]))
			_exit(98);
	while (next_line()) {
		most = 0;
		for (int i = 0; i < THREADS; i++) {
			uint64_t gap = __atomic_exchange_n(&longest[i], 0, __ATOMIC_RELAXED);

			most = gap > most ? gap : most;
		}
		harm_say("longest_us", (long)(most / 1000));
	}
	go_on = 0;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	pid_t child = 1;

	harm_ready(argc, argv);
	maps = harm_has(argc, argv, "map");
	if (harm_has(argc, argv, "fork"))
		child = fork();
	if (!harm_has(argc, argv, "fork")) {
		measure_gaps();
		return 0;
	}
	if (child) {
		waitpid(child, NULL, 0);
		return 0;
	}
	harm_say("worker", (long)getpid());
	while (next_line())
		harm_say("pair_ns", pair_ns());
	_exit(0);
}
