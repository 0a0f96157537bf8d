/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread, not a descriptor that does not block: that flag belongs to all who share the open file, such as a shell whose terminal
 * or pipe we were given.
 *
 * Invariant: every byte that was added is in `waiting`, in `now`, written, or given up after an error or by pipe_writer_free(). Who
 * is freed in a write that does not come back is left to the thread, which has a descriptor of its own and ends when it does.
 */
#include "pipe_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "../base/buffer.h"
#include "../base/clock.h"
#include "../base/io.h"
#include "../base/thread.h"
#include "../base/xalloc.h"

/* Who waits learns after so much that it was taken: as much as a pipe holds. */
#define PIECE_BYTES (64u << 10)
/* A buffer of that size is kept for the next snapshot. */
#define KEPT_BYTES (1u << 20)

struct pipe_writer {
	int fd;
	pthread_t thread;
	struct buffer now; /* the thread's: being written */
	pthread_mutex_t lock;
	pthread_cond_t added, taken;
	/* under the lock */
	struct buffer waiting;
	size_t writing; /* bytes of `now` that are not written */
	int error;
	bool in_write, stop;
	bool left; /* nobody waits for the thread: all is its own */
};

/* ---- the thread ---- */

static bool next(struct pipe_writer *w)
{
	struct buffer free_again = w->now;

	buffer_reset(&free_again);
	if (free_again.capacity > KEPT_BYTES)
		buffer_done(&free_again);
	pthread_mutex_lock(&w->lock);
	while (!w->waiting.length && !w->stop)
		pthread_cond_wait(&w->added, &w->lock);
	w->now = w->waiting;
	w->waiting = free_again;
	w->writing = w->now.length;
	pthread_mutex_unlock(&w->lock);
	return w->now.length > 0;
}

/* False: nothing of the rest is wanted any more. */
static bool begin_piece(struct pipe_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->in_write = !w->stop;
	pthread_mutex_unlock(&w->lock);
	return w->in_write;
}

/* False: an error, with which all ends. */
static bool end_piece(struct pipe_writer *w, size_t size, int err)
{
	pthread_mutex_lock(&w->lock);
	w->in_write = false;
	w->writing -= size;
	if (err) {
		w->error = err;
		w->writing = 0;
		buffer_reset(&w->waiting);
	}
	pthread_cond_broadcast(&w->taken);
	pthread_mutex_unlock(&w->lock);
	return !err;
}

static bool write_now(struct pipe_writer *w)
{
	size_t done, size;

	for (done = 0; done < w->now.length; done += size) {
		size = w->now.length - done;
		size = size < PIECE_BYTES ? size : PIECE_BYTES;
		if (!begin_piece(w) ||
		    !end_piece(w, size, io_write(w->fd, w->now.data + done, size)))
			return false;
	}
	return true;
}

static void free_all(struct pipe_writer *w)
{
	pthread_cond_destroy(&w->added);
	pthread_cond_destroy(&w->taken);
	pthread_mutex_destroy(&w->lock);
	buffer_done(&w->now);
	buffer_done(&w->waiting);
	close(w->fd);
	free(w);
}

static void *run(void *writer)
{
	struct pipe_writer *w = writer;
	bool left;

	pthread_setname_np(pthread_self(), "tracer-pipe");
	while (next(w) && write_now(w))
		;
	pthread_mutex_lock(&w->lock);
	left = w->left;
	pthread_mutex_unlock(&w->lock);
	if (left)
		free_all(w);
	return NULL;
}

/* ---- its owner ---- */

static void init_locks(struct pipe_writer *w)
{
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->added, NULL);
	thread_init_condition(&w->taken);
}

struct pipe_writer *pipe_writer_new(int fd)
{
	struct pipe_writer *w = xcalloc(1, sizeof(*w));
	int err;

	w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	err = w->fd < 0 ? errno : 0;
	init_locks(w);
	if (!err)
		err = thread_start(&w->thread, run, w);
	if (!err)
		return w;
	free_all(w);
	errno = err;
	return NULL;
}

size_t pipe_writer_waiting(struct pipe_writer *w)
{
	size_t bytes;

	pthread_mutex_lock(&w->lock);
	bytes = w->waiting.length + w->writing;
	pthread_mutex_unlock(&w->lock);
	return bytes;
}

void pipe_writer_add(struct pipe_writer *w, const char *data, size_t size)
{
	pthread_mutex_lock(&w->lock);
	if (!w->error) {
		buffer_add(&w->waiting, data, size);
		pthread_cond_signal(&w->added);
	}
	pthread_mutex_unlock(&w->lock);
}

int pipe_writer_error(struct pipe_writer *w)
{
	int err;

	pthread_mutex_lock(&w->lock);
	err = w->error;
	pthread_mutex_unlock(&w->lock);
	return err;
}

bool pipe_writer_wait(struct pipe_writer *w, size_t most, int ms)
{
	uint64_t ns = clock_monotonic_ns() + (uint64_t)ms * NS_PER_MS;
	struct timespec until = {.tv_sec = (time_t)(ns / NS_PER_S),
				 .tv_nsec = (long)(ns % NS_PER_S)};
	bool done;

	pthread_mutex_lock(&w->lock);
	while (!(done = w->error || w->waiting.length + w->writing <= most)) {
		if (pthread_cond_timedwait(&w->taken, &w->lock, &until) == ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&w->lock);
	return done;
}

void pipe_writer_free(struct pipe_writer *w)
{
	pthread_t thread;
	bool left;

	if (!w)
		return;
	thread = w->thread;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	left = w->left = w->in_write;
	buffer_reset(&w->waiting);
	pthread_cond_signal(&w->added);
	pthread_mutex_unlock(&w->lock);
	if (left) {
		pthread_detach(thread);
		return;
	}
	pthread_join(thread, NULL);
	free_all(w);
}
