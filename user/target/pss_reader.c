/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread takes in turn the process whose time has come first, and reads it without the lock of the list. Each process is read
 * for at most a thousandth of the time, since its own threads may wait meanwhile, and all of them together for a two-hundredth, which is
 * what the reader itself costs. The thread has the priority of all others: with less of it, it could hold the lock of a process and not
 * be let run.
 *
 * A process that is dropped while it is read is freed by the thread.
 */
#include "pss_reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include "../base/clock.h"
#include "../base/thread.h"
#include "../base/xalloc.h"
#include "memory.h"
#include "process.h"

#define PART_OF_ONE 1000
#define PART_OF_ALL 200
/* Resident memory that is shown beside it is of now: it should not be much older. */
#define AGAIN_NS (NS_PER_S / 4)
/* How long a read is waited for at the end. */
#define END_NS NS_PER_S

struct pss_process {
	struct pss_process *next;
	pid_t pid;
	uint64_t next_ns; /* not before */
	struct pss_value value;
	bool dropped;
};

struct pss_reader {
	pthread_t thread;
	uint64_t rss_max;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t wake;
	struct pss_process *first;
	struct pss_process *reading; /* now, without the lock */
	uint64_t next_ns;	     /* no process before that */
	bool stop;
};

static struct pss_process *earliest(const struct pss_reader *r)
{
	struct pss_process *p, *found = r->first;

	for (p = r->first; p; p = p->next) {
		if (p->next_ns < found->next_ns)
			found = p;
	}
	return found;
}

/* The one to be read now; NULL: the reader is to end. With the lock. */
static struct pss_process *wait_for_turn(struct pss_reader *r)
{
	while (!r->stop) {
		struct pss_process *p = earliest(r);
		uint64_t at_ns = p && p->next_ns > r->next_ns ? p->next_ns : r->next_ns;
		struct timespec at = {.tv_sec = (time_t)(at_ns / NS_PER_S),
				      .tv_nsec = (long)(at_ns % NS_PER_S)};

		if (p && clock_monotonic_ns() >= at_ns)
			return p;
		if (p)
			pthread_cond_timedwait(&r->wake, &r->lock, &at);
		else
			pthread_cond_wait(&r->wake, &r->lock);
	}
	return NULL;
}

static uint64_t read_now(const struct pss_reader *r, pid_t pid)
{
	uint64_t rss = process_rss(pid), pss;

	if (rss == UINT64_MAX || rss > r->rss_max)
		return MEMORY_UNKNOWN;
	memory_read_pss(pid, &pss);
	return pss;
}

/* With the lock, which it gives back meanwhile. */
static void look(struct pss_reader *r, struct pss_process *p)
{
	uint64_t begun, now, bytes;

	r->reading = p;
	pthread_mutex_unlock(&r->lock);
	begun = clock_monotonic_ns();
	bytes = read_now(r, p->pid);
	now = clock_monotonic_ns();
	pthread_mutex_lock(&r->lock);
	r->reading = NULL;
	r->next_ns = now + (now - begun) * PART_OF_ALL;
	p->next_ns = now + (now - begun) * PART_OF_ONE;
	if (p->next_ns < now + AGAIN_NS)
		p->next_ns = now + AGAIN_NS;
	p->value.bytes = bytes;
	p->value.looks++;
	if (p->dropped)
		free(p);
}

static void destroy(struct pss_reader *r)
{
	struct pss_process *p;

	while ((p = r->first)) {
		r->first = p->next;
		free(p);
	}
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static void *run(void *reader)
{
	struct pss_reader *r = reader;
	struct pss_process *p;

	pthread_mutex_lock(&r->lock);
	while ((p = wait_for_turn(r)))
		look(r, p);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void init_lock(struct pss_reader *r)
{
	pthread_mutex_init(&r->lock, NULL);
	thread_init_condition(&r->wake);
}

struct pss_reader *pss_reader_start(uint64_t rss_max)
{
	struct pss_reader *r = xcalloc(1, sizeof(*r));
	int err;

	r->rss_max = rss_max;
	init_lock(r);
	err = pthread_create(&r->thread, NULL, run, r);
	if (!err)
		return r;
	destroy(r);
	errno = err;
	return NULL;
}

void pss_reader_stop(struct pss_reader *r)
{
	uint64_t until_ns = clock_realtime_ns() + END_NS;
	struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
				 .tv_nsec = (long)(until_ns % NS_PER_S)};

	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	/* a thread that hangs in the kernel still uses what it was given: it is left to the end of the tracer */
	if (pthread_timedjoin_np(r->thread, NULL, &until))
		pthread_detach(r->thread);
	else
		destroy(r);
}

struct pss_process *pss_reader_add(struct pss_reader *r, pid_t pid)
{
	struct pss_process *p;

	if (!r)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->pid = pid;
	p->value.bytes = MEMORY_UNKNOWN;
	pthread_mutex_lock(&r->lock);
	p->next = r->first;
	r->first = p;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	return p;
}

void pss_reader_drop(struct pss_reader *r, struct pss_process *p)
{
	struct pss_process **at;
	bool reading;

	if (!r || !p)
		return;
	pthread_mutex_lock(&r->lock);
	for (at = &r->first; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	p->dropped = true;
	reading = r->reading == p;
	pthread_mutex_unlock(&r->lock);
	if (!reading)
		free(p);
}

struct pss_value pss_reader_get(struct pss_reader *r, const struct pss_process *p)
{
	struct pss_value value = {.bytes = MEMORY_UNKNOWN};

	if (!r || !p)
		return value;
	pthread_mutex_lock(&r->lock);
	value = p->value;
	pthread_mutex_unlock(&r->lock);
	return value;
}
