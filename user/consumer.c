// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sweeps: order.c merges what the rings hold, the heap takes it in batches, the ring space is given
 * back. Between sweeps the thread sleeps until a ring asks for it or a short time has passed. Lock
 * order: heap lock, then state lock.
 */
#include "consumer.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "capture/order.h"
#include "capture/ring.h"

#define BATCH	 256
#define SLEEP_MS 10
/* A sweep that took this share of a ring is followed by the next one at once. */
#define BUSY_SHARE 0.125

struct consumer {
	struct heap *heap;
	struct slot_rings slot_rings;
	struct ring *rings; /* each CPU's ring of slots, then each CPU's ring buffer */
	size_t ring_count;
	struct order order;
	int epoll_fd, wake_fd, notice_fd;
	pthread_t thread;
	pthread_mutex_t heap_lock;
	bool waiting; /* the thread, for heap_lock */
	pthread_mutex_t state_lock;
	pthread_cond_t swept;
	/* under state_lock */
	uint64_t sweeps_begun, sweeps_done;
	bool stop;
	struct notice *notices;
	size_t notice_count, notice_capacity;
	uint64_t late_count, bad_count;
};

static void put_notice(struct consumer *c, const struct notice *notice)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&c->state_lock);
	if (c->notice_count == c->notice_capacity) {
		c->notice_capacity = c->notice_capacity ? c->notice_capacity * 2 : 64;
		c->notices = xrealloc(c->notices, c->notice_capacity * sizeof(*c->notices));
	}
	c->notices[c->notice_count++] = *notice;
	pthread_mutex_unlock(&c->state_lock);
	if (write(c->notice_fd, &one, sizeof(one)) < 0)
		log_verbose("cannot wake the main thread: %s", strerror(errno));
}

static void note_fork(struct consumer *c, const struct event_fork *e)
{
	struct notice n = {.time_ns = e->h.time_ns,
			   .process = e->h.process,
			   .type = e->h.type,
			   .child = e->child,
			   .pid = e->child_pid};

	put_notice(c, &n);
}

static void note_process(struct consumer *c, const struct event_process *e)
{
	struct notice n = {.time_ns = e->h.time_ns,
			   .process = e->h.process,
			   .type = e->h.type,
			   .flags = e->h.flags,
			   .pid = e->pid,
			   .exit_code = e->exit_code};

	memcpy(n.comm, e->comm, sizeof(n.comm));
	n.comm[sizeof(n.comm) - 1] = 0;
	put_notice(c, &n);
}

/* Records of the life of processes go to the owner, too. */
static void note(struct consumer *c, const struct event_header *e)
{
	switch (e->type) {
	case EVENT_FORK:
	case EVENT_STRANGER:
		if (e->size >= sizeof(struct event_fork))
			note_fork(c, (const struct event_fork *)(const void *)e);
		break;
	case EVENT_EXEC:
	case EVENT_EXIT:
	case EVENT_MODULES:
		if (e->size >= sizeof(struct event_process))
			note_process(c, (const struct event_process *)(const void *)e);
		break;
	default: break;
	}
}

/* A process that was found by its name at exec has no parent that is known: it begins here. */
static void add_started(struct consumer *c, const struct event_header *e)
{
	const struct event_process *p = (const void *)e;

	if (e->type != EVENT_EXEC || !(e->flags & EVENT_F_STARTED) || e->size < sizeof(*p))
		return;
	if (!heap_find_process(c->heap, e->process))
		heap_add_process(c->heap, e->process, p->pid, p->comm, e->time_ns);
}

static void lock_for_events(struct consumer *c)
{
	if (!pthread_mutex_trylock(&c->heap_lock))
		return;
	__atomic_store_n(&c->waiting, true, __ATOMIC_RELAXED);
	pthread_mutex_lock(&c->heap_lock);
	__atomic_store_n(&c->waiting, false, __ATOMIC_RELAXED);
}

static size_t apply_some(struct consumer *c)
{
	const struct event_header *events[BATCH];
	size_t n = order_next(&c->order, events, BATCH), i;

	if (!n)
		return 0;
	lock_for_events(c);
	for (i = 0; i < n; i++) {
		if (events[i]->type == EVENT_EXEC)
			add_started(c, events[i]);
	}
	heap_apply_batch(c->heap, events, n);
	pthread_mutex_unlock(&c->heap_lock);
	for (i = 0; i < n; i++)
		note(c, events[i]);
	order_release(&c->order);
	return n;
}

/* Returns true when the rings were so full that the next sweep should follow at once. */
static bool sweep(struct consumer *c, bool everything)
{
	double fill = 0;
	size_t i;

	pthread_mutex_lock(&c->state_lock);
	c->sweeps_begun++;
	pthread_mutex_unlock(&c->state_lock);
	order_begin(&c->order, everything ? UINT64_MAX : clock_monotonic_ns());
	for (i = 0; i < c->ring_count; i++)
		fill = fmax(fill, ring_fill(&c->rings[i]));
	while (apply_some(c))
		;
	order_release(&c->order);
	pthread_mutex_lock(&c->state_lock);
	c->sweeps_done = c->sweeps_begun;
	c->late_count = c->order.late_count;
	c->bad_count = c->order.bad_count;
	pthread_cond_broadcast(&c->swept);
	pthread_mutex_unlock(&c->state_lock);
	return fill > BUSY_SHARE;
}

static bool stopping(struct consumer *c)
{
	bool stop;

	pthread_mutex_lock(&c->state_lock);
	stop = c->stop;
	pthread_mutex_unlock(&c->state_lock);
	return stop;
}

static void *consume(void *arg)
{
	struct consumer *c = arg;
	struct epoll_event event;

	pthread_setname_np(pthread_self(), "tracer-events");
	while (!stopping(c)) {
		if (!sweep(c, false))
			epoll_wait(c->epoll_fd, &event, 1, SLEEP_MS);
	}
	sweep(c, true);
	return NULL;
}

/*
 * Edge-triggered: a ring that holds records does not keep waking us, only the kernel side's
 * wake-ups do (it sends them when rings are small), and wake_fd need not be read.
 */
static int watch(struct consumer *c, int fd)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};

	return epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int open_buffers(struct consumer *c, struct loader *loader)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < loader_ring_count(loader); i++) {
		err = ring_open(&c->rings[c->ring_count], loader_ring_fd(loader, i),
				loader_ring_bytes(loader));
		if (err)
			return err;
		c->ring_count++;
		err = watch(c, loader_ring_fd(loader, i));
	}
	return err;
}

static int open_rings(struct consumer *c, struct loader *loader)
{
	size_t cpus = loader_ring_count(loader);
	int err = watch(c, c->wake_fd);

	c->rings = xcalloc(2 * cpus, sizeof(*c->rings));
	if (!err)
		err = slot_rings_open(&c->slot_rings, loader_slot_rings_fd(loader),
				      loader_slots_fd(loader), cpus, loader_slot_count(loader));
	if (err)
		return err;
	for (; c->ring_count < cpus; c->ring_count++)
		ring_of_slots(&c->rings[c->ring_count], &c->slot_rings, c->ring_count);
	err = open_buffers(c, loader);
	return err ? err : order_init(&c->order, c->rings, c->ring_count);
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void consumer_free(struct consumer *c)
{
	size_t i;

	order_done(&c->order);
	for (i = 0; i < c->ring_count; i++)
		ring_close(&c->rings[i]);
	slot_rings_close(&c->slot_rings);
	close_if_open(c->epoll_fd);
	close_if_open(c->wake_fd);
	close_if_open(c->notice_fd);
	pthread_cond_destroy(&c->swept);
	pthread_mutex_destroy(&c->state_lock);
	pthread_mutex_destroy(&c->heap_lock);
	free(c->notices);
	free(c->rings);
	free(c);
}

struct consumer *consumer_start(struct loader *loader, struct heap *heap)
{
	struct consumer *c = xcalloc(1, sizeof(*c));
	int err;

	c->heap = heap;
	pthread_mutex_init(&c->heap_lock, NULL);
	pthread_mutex_init(&c->state_lock, NULL);
	pthread_cond_init(&c->swept, NULL);
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->notice_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = c->wake_fd < 0 || c->notice_fd < 0 || c->epoll_fd < 0 ? -errno
								    : open_rings(c, loader);
	if (!err)
		err = -pthread_create(&c->thread, NULL, consume, c);
	if (err) {
		log_error("cannot read the rings: %s", strerror(-err));
		consumer_free(c);
		return NULL;
	}
	return c;
}

static void wake(struct consumer *c)
{
	const uint64_t one = 1;

	if (write(c->wake_fd, &one, sizeof(one)) < 0)
		log_verbose("cannot wake the consumer: %s", strerror(errno));
}

void consumer_stop(struct consumer *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->state_lock);
	c->stop = true;
	pthread_mutex_unlock(&c->state_lock);
	wake(c);
	pthread_join(c->thread, NULL);
	consumer_free(c);
}

void consumer_lock(struct consumer *c)
{
	pthread_mutex_lock(&c->heap_lock);
}

void consumer_unlock(struct consumer *c)
{
	pthread_mutex_unlock(&c->heap_lock);
}

void consumer_pause(struct consumer *c)
{
	pthread_mutex_unlock(&c->heap_lock);
	/* a mutex is given to who asks first, not to who waits */
	while (__atomic_load_n(&c->waiting, __ATOMIC_RELAXED))
		sched_yield();
	pthread_mutex_lock(&c->heap_lock);
}

void consumer_sync(struct consumer *c)
{
	uint64_t wanted;

	wake(c);
	pthread_mutex_lock(&c->state_lock);
	/* the sweep that may be under way looked at the rings before this call: the one after it
	 * counts */
	wanted = c->sweeps_begun + 1;
	while (c->sweeps_done < wanted) {
		pthread_mutex_unlock(&c->state_lock);
		wake(c);
		pthread_mutex_lock(&c->state_lock);
		if (c->sweeps_done < wanted)
			pthread_cond_wait(&c->swept, &c->state_lock);
	}
	pthread_mutex_unlock(&c->state_lock);
}

int consumer_notice_fd(const struct consumer *c)
{
	return c->notice_fd;
}

size_t consumer_take_notices(struct consumer *c, struct notice **notices)
{
	uint64_t ignored;
	size_t n;

	if (read(c->notice_fd, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
		log_verbose("cannot read notices: %s", strerror(errno));
	pthread_mutex_lock(&c->state_lock);
	n = c->notice_count;
	*notices = c->notices;
	c->notices = NULL;
	c->notice_count = c->notice_capacity = 0;
	pthread_mutex_unlock(&c->state_lock);
	return n;
}

uint64_t consumer_late_count(struct consumer *c)
{
	uint64_t n;

	pthread_mutex_lock(&c->state_lock);
	n = c->late_count;
	pthread_mutex_unlock(&c->state_lock);
	return n;
}

uint64_t consumer_bad_count(struct consumer *c)
{
	uint64_t n;

	pthread_mutex_lock(&c->state_lock);
	n = c->bad_count;
	pthread_mutex_unlock(&c->state_lock);
	return n;
}
