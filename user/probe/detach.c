// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Links first, all at one time: each waits for grace periods, which they share. Perf events then one
 * after the other, since the kernel waits for three or four grace periods under one lock for each.
 * That is longer than what a probe that nobody hits (quiet.h) holds for: so meanwhile other threads
 * make such probes and close them, again and again. Where the kernel has no uprobe_multi these would
 * need the same lock: there one is made before each event.
 */
#include "detach.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/log.h"
#include "../base/urgent.h"
#include "quiet.h"

#define CLOSE_THREADS 8
/* Each goes round in some 15 ms: together they are never longer apart than a grace period. */
#define KEEP_THREADS 4

/* Descriptors that several threads close, each the next one. */
struct closing {
	const int *fds;
	size_t count, next;
};

static void *close_next(void *arg)
{
	struct closing *c = arg;
	struct urgent urgent;
	size_t i;

	urgent_begin(&urgent);
	while ((i = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED)) < c->count)
		close(c->fds[i]);
	urgent_end(&urgent);
	return NULL;
}

static void close_together(const int *fds, size_t count)
{
	struct closing c = {.fds = fds, .count = count};
	pthread_t threads[CLOSE_THREADS];
	size_t started = 0;

	while (started < CLOSE_THREADS && started + 1 < count &&
	       !pthread_create(&threads[started], NULL, close_next, &c))
		started++;
	close_next(&c);
	while (started)
		pthread_join(threads[--started], NULL);
}

static void say_progress(const struct detach *d, size_t closed, uint64_t *said_ns)
{
	uint64_t now = clock_monotonic_ns();

	if (d->silent || now - *said_ns < NS_PER_S)
		return;
	*said_ns = now;
	log_info("detaching from %d: %zu of %zu probes done", (int)d->pid, closed, d->event_count);
}

struct keeper {
	int idle_program;
	bool stop;
};

static void *keep_quiet(void *arg)
{
	struct keeper *k = arg;
	int fd;

	while (!__atomic_load_n(&k->stop, __ATOMIC_RELAXED)) {
		fd = quiet_again(k->idle_program);
		if (fd < 0)
			break;
		close(fd);
	}
	return NULL;
}

static void close_events(const struct detach *d, bool keep)
{
	uint64_t said_ns = clock_monotonic_ns();
	struct urgent urgent;
	size_t i;

	urgent_begin(&urgent);
	for (i = 0; i < d->event_count; i++) {
		int quiet = keep ? -1 : quiet_begin(d->idle_program);

		close(d->events[i]);
		if (quiet >= 0)
			close(quiet);
		say_progress(d, i + 1, &said_ns);
	}
	urgent_end(&urgent);
}

static void close_events_quietly(const struct detach *d)
{
	struct keeper keeper = {.idle_program = d->idle_program};
	pthread_t threads[KEEP_THREADS];
	size_t started = 0;
	int first = quiet_again(d->idle_program);

	while (first >= 0 && started < KEEP_THREADS &&
	       !pthread_create(&threads[started], NULL, keep_quiet, &keeper))
		started++;
	close_events(d, started);
	__atomic_store_n(&keeper.stop, true, __ATOMIC_RELAXED);
	while (started)
		pthread_join(threads[--started], NULL);
	if (first >= 0)
		close(first);
}

void detach_close(const struct detach *d)
{
	int first;

	if (d->link_count + d->event_count == 0)
		return;
	first = quiet_begin(d->idle_program);
	close_together(d->links, d->link_count);
	if (d->event_count)
		close_events_quietly(d);
	if (first >= 0)
		close(first);
}
