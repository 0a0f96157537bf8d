// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A job belongs to the main thread until unwind_worker_add(), to the worker while it is `current`,
 * and to the main thread again after unwind_worker_take(); the lock is held to move it, never while
 * something is built, read or written. `stop` of the current job is all that both touch. The thread
 * starts with the first job; if it cannot, jobs are done at once by who adds them.
 */
#include "unwind_worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/xalloc.h"

struct unwind_worker {
	struct unwind_cache *cache;
	pthread_t thread;
	bool started;
	int fd;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;
	struct unwind_job *queue, *current, *done;
	bool ending;
};

void unwind_job_free(struct unwind_job *job)
{
	if (!job)
		return;
	unwind_input_close(job->in);
	unwind_table_done(&job->table);
	free(job);
}

/* ---- the thread ---- */

static void build(struct unwind_worker *w, struct unwind_job *j)
{
	uint64_t begun = clock_monotonic_ns();

	j->err = -ENOENT;
	if (!j->keyed) {
		unwind_cache_key(w->cache, j->in, &j->key);
		j->err = unwind_cache_get(w->cache, &j->key, &j->table);
		j->kept = !j->err;
	}
	if (j->err)
		j->err = unwind_build_from(j->in, &j->stop, &j->table);
	j->took_ns = clock_monotonic_ns() - begun;
}

static void say_done(struct unwind_worker *w)
{
	uint64_t one = 1;

	/* it can only fail when it is readable anyway */
	if (write(w->fd, &one, sizeof(one)) < 0)
		return;
}

/* The disk may be slow: a table is given back first, and comes again to be kept. */
static void work(struct unwind_worker *w, struct unwind_job *j)
{
	bool wanted;

	if (j->owner)
		build(w, j);
	else
		unwind_cache_put(w->cache, &j->key, &j->table);
	pthread_mutex_lock(&w->lock);
	w->current = NULL;
	wanted = j->owner && !j->stop;
	if (wanted) {
		j->next = w->done;
		w->done = j;
	}
	pthread_mutex_unlock(&w->lock);
	if (wanted)
		say_done(w);
	else
		unwind_job_free(j);
}

static void *run(void *arg)
{
	struct unwind_worker *w = arg;
	struct unwind_job *j;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->queue && !w->ending)
			pthread_cond_wait(&w->more, &w->lock);
		if (!w->queue)
			break;
		w->current = j = w->queue;
		w->queue = j->next;
		pthread_mutex_unlock(&w->lock);
		work(w, j);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- the main thread ---- */

struct unwind_worker *unwind_worker_new(struct unwind_cache *cache)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct unwind_worker *w;

	if (fd < 0)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->cache = cache;
	w->fd = fd;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	return w;
}

int unwind_worker_fd(const struct unwind_worker *w)
{
	return w->fd;
}

static bool before(const struct unwind_job *a, const struct unwind_job *b)
{
	if (!a->owner != !b->owner)
		return a->owner;
	if (a->urgent != b->urgent)
		return a->urgent;
	return a->owner && unwind_input_bytes(a->in) < unwind_input_bytes(b->in);
}

static bool start(struct unwind_worker *w)
{
	if (!w->started)
		w->started = !pthread_create(&w->thread, NULL, run, w);
	return w->started;
}

void unwind_worker_add(struct unwind_worker *w, struct unwind_job *job)
{
	struct unwind_job **at = &w->queue;

	if (!start(w)) {
		work(w, job);
		return;
	}
	pthread_mutex_lock(&w->lock);
	while (*at && !before(job, *at))
		at = &(*at)->next;
	job->next = *at;
	*at = job;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
}

/* Jobs of this owner, and with NULL those of all: out of the list, to be freed without the lock. */
static void move(struct unwind_job **from, const void *owner, struct unwind_job **to)
{
	while (*from) {
		struct unwind_job *j = *from;

		if (!j->owner || (owner && j->owner != owner)) {
			from = &j->next;
			continue;
		}
		*from = j->next;
		j->next = *to;
		*to = j;
	}
}

void unwind_worker_cancel(struct unwind_worker *w, const void *owner)
{
	struct unwind_job *dropped = NULL, *next;

	pthread_mutex_lock(&w->lock);
	move(&w->queue, owner, &dropped);
	move(&w->done, owner, &dropped);
	if (w->current && w->current->owner && (!owner || w->current->owner == owner))
		w->current->stop = true;
	pthread_mutex_unlock(&w->lock);
	for (; dropped; dropped = next) {
		next = dropped->next;
		unwind_job_free(dropped);
	}
}

struct unwind_job *unwind_worker_take(struct unwind_worker *w)
{
	struct unwind_job *j;
	uint64_t ignored;

	/* before the list: what is done after it makes the descriptor readable again */
	if (read(w->fd, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
		return NULL;
	pthread_mutex_lock(&w->lock);
	j = w->done;
	if (j)
		w->done = j->next;
	pthread_mutex_unlock(&w->lock);
	return j;
}

void unwind_worker_free(struct unwind_worker *w)
{
	if (!w)
		return;
	unwind_worker_cancel(w, NULL);
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	if (w->started)
		pthread_join(w->thread, NULL);
	/* the current one may have come to its end meanwhile */
	unwind_worker_cancel(w, NULL);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	close(w->fd);
	free(w);
}
