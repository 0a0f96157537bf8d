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
#include "base/thread.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "capture/order.h"
#include "capture/ring.h"
#include "capture/turn_watch.h"
#include "go_sampler.h"

#define BATCH	 256
#define SLEEP_MS 10
/* A sweep that took this share of a ring is followed by the next one at once. */
#define BUSY_SHARE 0.125
/* A hold ends by itself when a ring is so full. */
#define HOLD_SHARE 0.25
/* Who waits for a hold, or for its end, looks around so often. */
#define LOOK_NS NS_PER_MS
/* A record that is reserved and not written for so long: its thread was preempted, the cut is made without it. */
#define CUT_WAIT_NS (50 * NS_PER_MS)
#define NO_CUT	    UINT64_MAX

struct consumer {
	struct feed feed;
	struct go_sampler *go_sampler; /* NULL: none */
	bool idle;		       /* no rings, no thread */
	struct slot_rings slot_rings;
	struct ring *rings; /* each CPU's ring of slots, then each CPU's ring buffer */
	size_t ring_count;
	struct order order;
	struct turn_watch turn_watch;
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
	uint64_t cut_ns, cut_wait_ns; /* nothing later is applied (NO_CUT: all is); given up then */
	bool held;		      /* all until cut_ns is applied */
	pthread_cond_t resumed;
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

static void lock_for_events(struct consumer *c)
{
	if (!pthread_mutex_trylock(&c->heap_lock))
		return;
	__atomic_store_n(&c->waiting, true, __ATOMIC_RELAXED);
	pthread_mutex_lock(&c->heap_lock);
	__atomic_store_n(&c->waiting, false, __ATOMIC_RELAXED);
}

static void tell_others(struct consumer *c, const struct event_header *const *events, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		note(c, events[i]);
		if (c->go_sampler)
			go_sampler_note(c->go_sampler, events[i]);
	}
}

static size_t apply_some(struct consumer *c)
{
	const struct event_header *events[BATCH];
	size_t n = order_next(&c->order, events, BATCH);
	/* what came in slots is nothing that others want to know of, and is not looked at again */
	bool others = c->order.buffer_count;

	if (!n)
		return 0;
	lock_for_events(c);
	if (others)
		feed_events(&c->feed, events, n);
	else
		feed_blocks(&c->feed, events, n);
	pthread_mutex_unlock(&c->heap_lock);
	if (others)
		tell_others(c, events, n);
	order_release(&c->order);
	return n;
}

/* Objects of Go programs that are dead by now. */
static void free_dead(struct consumer *c, uint64_t now_ns)
{
	if (!c->go_sampler)
		return;
	lock_for_events(c);
	go_sampler_give(c->go_sampler, &c->feed, now_ns);
	pthread_mutex_unlock(&c->heap_lock);
}

static void flush_recording(struct consumer *c, uint64_t now_ns)
{
	if (!c->feed.record)
		return;
	lock_for_events(c);
	record_flush_sometimes(c->feed.record, now_ns);
	pthread_mutex_unlock(&c->heap_lock);
}

/* Under state_lock. Is all that the cut wants applied? */
static bool reached_cut(const struct consumer *c, uint64_t limit_ns, uint64_t now_ns)
{
	if (c->cut_ns == NO_CUT || now_ns < c->cut_ns)
		return false;
	return (limit_ns == c->cut_ns && c->order.watermark_ns == limit_ns) ||
	       now_ns > c->cut_wait_ns;
}

/* Returns true when the next sweep should follow at once: the rings were so full, or a cut waits for it. */
static bool sweep(struct consumer *c, bool everything)
{
	uint64_t now_ns = clock_monotonic_ns(), limit_ns;
	double fill = 0;
	bool wanted;
	size_t i;

	pthread_mutex_lock(&c->state_lock);
	c->sweeps_begun++;
	limit_ns = c->cut_ns < now_ns ? c->cut_ns : now_ns;
	pthread_mutex_unlock(&c->state_lock);
	order_begin(&c->order, everything ? UINT64_MAX : limit_ns);
	for (i = 0; i < c->ring_count; i++)
		fill = fmax(fill, ring_fill(&c->rings[i]));
	while (apply_some(c))
		;
	order_release(&c->order);
	free_dead(c, c->order.watermark_ns < now_ns ? c->order.watermark_ns : now_ns);
	flush_recording(c, now_ns);
	pthread_mutex_lock(&c->state_lock);
	c->sweeps_done = c->sweeps_begun;
	c->late_count = c->order.late_count;
	c->bad_count = c->order.bad_count;
	c->held = reached_cut(c, limit_ns, now_ns);
	wanted = c->cut_ns != NO_CUT;
	pthread_cond_broadcast(&c->swept);
	pthread_mutex_unlock(&c->state_lock);
	return fill > BUSY_SHARE || wanted;
}

static bool rings_are_full(const struct consumer *c)
{
	double fill = 0;
	size_t i;

	for (i = 0; i < c->ring_count; i++)
		fill = fmax(fill, ring_fill_now(&c->rings[i]));
	return fill > HOLD_SHARE;
}

static struct timespec look_again(void)
{
	uint64_t ns = clock_monotonic_ns() + LOOK_NS;

	return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S),
				 .tv_nsec = (long)(ns % NS_PER_S)};
}

/* While a cut holds. */
static void hold(struct consumer *c)
{
	pthread_mutex_lock(&c->state_lock);
	while (c->held) {
		struct timespec until = look_again();

		pthread_cond_timedwait(&c->resumed, &c->state_lock, &until);
		if (rings_are_full(c)) {
			c->held = false;
			c->cut_ns = NO_CUT;
		}
	}
	pthread_mutex_unlock(&c->state_lock);
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
		bool again = sweep(c, false);

		turn_watch_look(&c->turn_watch, clock_monotonic_ns());
		if (!again)
			epoll_wait(c->epoll_fd, &event, 1, SLEEP_MS);
		hold(c);
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
	/* in this order: capture/order.h */
	for (; c->ring_count < cpus; c->ring_count++)
		ring_of_slots(&c->rings[c->ring_count], &c->slot_rings, c->ring_count);
	err = open_buffers(c, loader);
	if (!err)
		err = turn_watch_init(&c->turn_watch, loader_turn(loader), c->rings, cpus);
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
	turn_watch_done(&c->turn_watch);
	for (i = 0; i < c->ring_count; i++)
		ring_close(&c->rings[i]);
	slot_rings_close(&c->slot_rings);
	close_if_open(c->epoll_fd);
	close_if_open(c->wake_fd);
	close_if_open(c->notice_fd);
	pthread_cond_destroy(&c->swept);
	pthread_cond_destroy(&c->resumed);
	pthread_mutex_destroy(&c->state_lock);
	pthread_mutex_destroy(&c->heap_lock);
	free(c->notices);
	free(c->rings);
	free(c);
}

static void init_locks(struct consumer *c)
{
	pthread_mutex_init(&c->heap_lock, NULL);
	pthread_mutex_init(&c->state_lock, NULL);
	thread_init_condition(&c->swept);
	thread_init_condition(&c->resumed);
}

static int start(struct consumer *c, struct loader *loader)
{
	int err;

	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->notice_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = c->wake_fd < 0 || c->notice_fd < 0 || c->epoll_fd < 0 ? -errno
								    : open_rings(c, loader);
	return err ? err : -pthread_create(&c->thread, NULL, consume, c);
}

struct consumer *consumer_start(struct loader *loader, struct heap *heap, struct record *record,
				struct go_sampler *go_sampler)
{
	struct consumer *c = xcalloc(1, sizeof(*c));
	int err;

	c->feed = (struct feed){.heap = heap, .record = record};
	c->go_sampler = go_sampler;
	c->cut_ns = NO_CUT;
	c->wake_fd = c->notice_fd = c->epoll_fd = -1;
	c->idle = !loader;
	init_locks(c);
	err = c->idle ? 0 : start(c, loader);
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
	if (!c->idle) {
		consumer_resume(c);
		pthread_mutex_lock(&c->state_lock);
		c->stop = true;
		pthread_mutex_unlock(&c->state_lock);
		wake(c);
		pthread_join(c->thread, NULL);
	}
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

void consumer_breathe(struct consumer *c, struct breath *breath)
{
	if (!breath_due(breath)) {
		consumer_pause(c);
		return;
	}
	pthread_mutex_unlock(&c->heap_lock);
	breath_take(breath);
	pthread_mutex_lock(&c->heap_lock);
}

void consumer_sync(struct consumer *c)
{
	uint64_t wanted;

	if (c->idle)
		return;
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

/* With the state lock, until the next sweep, or for a breath. */
static void wait_swept(struct consumer *c, struct breath *breath)
{
	struct timespec until = look_again();

	if (!breath) {
		pthread_cond_wait(&c->swept, &c->state_lock);
		return;
	}
	pthread_cond_timedwait(&c->swept, &c->state_lock, &until);
	pthread_mutex_unlock(&c->state_lock);
	breath_take(breath);
	pthread_mutex_lock(&c->state_lock);
}

void consumer_cut(struct consumer *c, uint64_t time_ns, struct breath *breath)
{
	if (c->idle)
		return;
	pthread_mutex_lock(&c->state_lock);
	c->cut_ns = time_ns;
	c->cut_wait_ns = time_ns + CUT_WAIT_NS;
	wake(c);
	while (!c->held && c->cut_ns != NO_CUT)
		wait_swept(c, breath);
	pthread_mutex_unlock(&c->state_lock);
}

void consumer_resume(struct consumer *c)
{
	pthread_mutex_lock(&c->state_lock);
	c->cut_ns = NO_CUT;
	c->held = false;
	pthread_cond_signal(&c->resumed);
	pthread_mutex_unlock(&c->state_lock);
}

struct feed *consumer_feed(struct consumer *c)
{
	return &c->feed;
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
