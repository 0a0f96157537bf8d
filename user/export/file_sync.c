/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "file_sync.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>
#include "../base/clock.h"

struct sync {
	int fd, err;
	sem_t done;
};

static int sync_now(int fd)
{
	return fsync(fd) < 0 ? -errno : 0;
}

static void *sync_thread(void *sync)
{
	struct sync *s = sync;

	s->err = sync_now(s->fd);
	sem_post(&s->done);
	return NULL;
}

/* False after a millisecond without it. */
static bool wait_some(struct sync *s)
{
	uint64_t ns = clock_monotonic_ns() + NS_PER_MS;
	struct timespec until = {.tv_sec = (time_t)(ns / NS_PER_S),
				 .tv_nsec = (long)(ns % NS_PER_S)};

	return sem_clockwait(&s->done, CLOCK_MONOTONIC, &until) == 0;
}

int file_sync(int fd, struct breath *breath)
{
	struct sync s = {.fd = fd};
	pthread_t thread;

	if (!breath)
		return sync_now(fd);
	sem_init(&s.done, 0, 0);
	if (pthread_create(&thread, NULL, sync_thread, &s)) {
		s.err = sync_now(fd);
	} else {
		while (!wait_some(&s))
			breath_take(breath);
		pthread_join(thread, NULL);
	}
	sem_destroy(&s.done);
	return s.err;
}
