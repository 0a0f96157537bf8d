// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Links first, all at one time: each waits for grace periods, which they share. Perf events then one
 * after the other, since the kernel waits for three or four grace periods under one lock for each;
 * before each a probe that nobody hits (quiet.h), because these waits are longer than what it holds
 * for.
 */
#include "detach.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/log.h"
#include "../base/urgent.h"
#include "../base/xalloc.h"
#include "quiet.h"

#define CLOSE_THREADS 8

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

/* Returns how many of `quiet` were made. */
static size_t close_events(const struct detach *d, int *quiet)
{
	uint64_t said_ns = clock_monotonic_ns();
	struct urgent urgent;
	size_t i, made = 0;
	int fd;

	urgent_begin(&urgent);
	for (i = 0; i < d->event_count; i++) {
		fd = quiet_again(d->idle_program);
		if (fd >= 0)
			quiet[made++] = fd;
		close(d->events[i]);
		say_progress(d, i + 1, &said_ns);
	}
	urgent_end(&urgent);
	return made;
}

void detach_close(const struct detach *d)
{
	int *quiet = xcalloc(d->event_count + 1, sizeof(*quiet)), first;
	size_t made = 0;

	if (d->link_count + d->event_count == 0) {
		free(quiet);
		return;
	}
	first = quiet_begin(d->idle_program);
	close_together(d->links, d->link_count);
	made = close_events(d, quiet);
	if (first >= 0)
		quiet[made++] = first;
	close_together(quiet, made);
	free(quiet);
}
