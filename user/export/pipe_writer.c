/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread, not a descriptor that does not block: that flag belongs to all who share the open file, such as a shell whose terminal
 * or pipe we were given.
 *
 * Invariant: every byte that was added is in `waiting`, in `now`, written, or given up after an error or by pipe_writer_free(). The
 * thread can be cancelled in a write, where it holds no lock, and nowhere else.
 */
#include "pipe_writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include "../base/buffer.h"
#include "../base/clock.h"
#include "../base/io.h"
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
	bool stop;
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

static int write_piece(int fd, const char *data, size_t size)
{
	int err, ignored;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &ignored);
	err = io_write(fd, data, size);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ignored);
	return err;
}

/* 0 or the error, with which all ends. */
static int note_piece(struct pipe_writer *w, size_t size, int err)
{
	pthread_mutex_lock(&w->lock);
	w->writing -= size;
	if (err) {
		w->error = err;
		w->writing = 0;
		buffer_reset(&w->waiting);
	}
	pthread_cond_broadcast(&w->taken);
	pthread_mutex_unlock(&w->lock);
	return err;
}

static void *run(void *writer)
{
	struct pipe_writer *w = writer;
	size_t done, size;
	int err = 0, ignored;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ignored);
	pthread_setname_np(pthread_self(), "tracer-pipe");
	while (!err && next(w)) {
		for (done = 0; !err && done < w->now.length; done += size) {
			size = w->now.length - done;
			size = size < PIECE_BYTES ? size : PIECE_BYTES;
			err = note_piece(w, size, write_piece(w->fd, w->now.data + done, size));
		}
	}
	return NULL;
}

/* ---- its owner ---- */

static void init_locks(struct pipe_writer *w)
{
	pthread_condattr_t clock;

	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->added, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&w->taken, &clock);
	pthread_condattr_destroy(&clock);
}

static void free_all(struct pipe_writer *w)
{
	pthread_cond_destroy(&w->added);
	pthread_cond_destroy(&w->taken);
	pthread_mutex_destroy(&w->lock);
	buffer_done(&w->now);
	buffer_done(&w->waiting);
	free(w);
}

/* Signals are the main thread's; without SIGPIPE a reader that has gone is an error of write(). */
static int start(struct pipe_writer *w)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

struct pipe_writer *pipe_writer_new(int fd)
{
	struct pipe_writer *w = xcalloc(1, sizeof(*w));
	int err;

	w->fd = fd;
	init_locks(w);
	err = start(w);
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
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	buffer_reset(&w->waiting);
	pthread_cond_signal(&w->added);
	pthread_mutex_unlock(&w->lock);
	pthread_cancel(w->thread);
	pthread_join(w->thread, NULL);
	free_all(w);
}
