// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What others want of the thread comes in one queue, in order; what it has found dead waits in another one for the consumer. The
 * consumer looks once more whether it is that object that the heap has at the address, because another one may have been sampled
 * there meanwhile: so the thread needs not know of that. The lock is held for moments only, never while memory is read.
 */
#include "go_sampler.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/xalloc.h"
#include "feed.h"
#include "go_live.h"

/* When nothing wakes it; and while a collection has not come to all spans. */
#define IDLE_NS	   (50 * NS_PER_MS)
#define NONE_NS	   NS_PER_S /* when no process is left */
#define PENDING_NS (2 * NS_PER_MS)
/* So many that wait wake it. */
#define WAITING_MANY 4096
#define FREES	     256

enum order_type { ORDER_ADD, ORDER_DROP, ORDER_FORGET, ORDER_SAMPLE };

struct go_order {
	enum order_type type;
	uint32_t number;
	pid_t pid;
	struct live_object object;
};

struct orders {
	struct go_order *v;
	size_t count, capacity;
};

struct go_sampler {
	struct loader *loader;
	struct go_builds *builds;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under the lock */
	bool started, stop, woken;
	struct orders orders;
	struct go_dead dead;
	struct go_sampler_figures *figures; /* by the place of the process in the list */
	uint32_t *numbers;
	size_t process_count;
	/* of the thread */
	struct go_live **processes;
	size_t live_count;
	/* of the consumer */
	struct go_dead giving;
};

/* ---- orders ---- */

/* Nobody waits for it before the thread runs: until then nothing is sampled. */
static void put(struct go_sampler *g, const struct go_order *order, bool wake)
{
	struct orders *o = &g->orders;

	pthread_mutex_lock(&g->lock);
	if (!g->started) {
		pthread_mutex_unlock(&g->lock);
		return;
	}
	if (o->count == o->capacity) {
		o->capacity = o->capacity ? o->capacity * 2 : 256;
		o->v = xrealloc(o->v, o->capacity * sizeof(*o->v));
	}
	o->v[o->count++] = *order;
	if (wake || o->count == WAITING_MANY) {
		g->woken = true;
		pthread_cond_signal(&g->wake);
	}
	pthread_mutex_unlock(&g->lock);
}

void go_sampler_add(struct go_sampler *g, uint32_t number, pid_t pid)
{
	put(g, &(struct go_order){.type = ORDER_ADD, .number = number, .pid = pid}, true);
}

void go_sampler_drop(struct go_sampler *g, uint32_t number)
{
	if (!g)
		return;
	put(g, &(struct go_order){.type = ORDER_DROP, .number = number}, true);
}

static void note_sample(struct go_sampler *g, const struct event_sample *e)
{
	struct go_order order = {
		.type = ORDER_SAMPLE,
		.number = e->h.process,
		.object = {.o = {.address = e->address, .bytes = e->bytes, .span = e->span},
			   .born_ns = e->h.time_ns,
			   .cycle = e->cycle},
	};

	put(g, &order, false);
}

void go_sampler_note(struct go_sampler *g, const struct event_header *e)
{
	switch (e->type) {
	case EVENT_SAMPLE:
		if (e->size >= sizeof(struct event_sample))
			note_sample(g, (const void *)e);
		break;
	case EVENT_EXEC:
		put(g, &(struct go_order){.type = ORDER_FORGET, .number = e->process}, false);
		break;
	case EVENT_COLLECTED:
		pthread_mutex_lock(&g->lock);
		g->woken = true;
		pthread_cond_signal(&g->wake);
		pthread_mutex_unlock(&g->lock);
		break;
	default: break;
	}
}

/* ---- what is dead ---- */

static bool is_there(struct heap *h, const struct dead_object *d)
{
	uint32_t index = heap_find_process(h, d->number);
	const struct block *block =
		index ? blocks_find(&heap_process(h, index)->blocks, d->address) : NULL;

	return block && block->born_ns == d->born_ns;
}

static size_t fill_frees(struct heap *h, const struct go_dead *dead, size_t *at, uint64_t now_ns,
			 struct event_free frees[FREES])
{
	size_t n = 0;

	for (; *at < dead->count && n < FREES; (*at)++) {
		const struct dead_object *d = &dead->v[*at];

		if (!is_there(h, d))
			continue;
		frees[n++] = (struct event_free){.h = {.time_ns = now_ns,
						       .process = d->number,
						       .size = sizeof(struct event_free),
						       .type = EVENT_FREE,
						       .call = CALL_ID_GO},
						 .address = d->address};
	}
	return n;
}

void go_sampler_give(struct go_sampler *g, struct feed *feed, uint64_t now_ns)
{
	const struct event_header *events[FREES];
	struct event_free frees[FREES];
	struct go_dead swap;
	size_t at = 0, n, i;

	pthread_mutex_lock(&g->lock);
	swap = g->dead;
	g->dead = g->giving;
	g->giving = swap;
	pthread_mutex_unlock(&g->lock);
	while (at < g->giving.count) {
		n = fill_frees(feed->heap, &g->giving, &at, now_ns, frees);
		for (i = 0; i < n; i++)
			events[i] = &frees[i].h;
		if (n)
			feed_events(feed, events, n);
	}
	g->giving.count = 0;
}

/* ---- the thread ---- */

static struct go_live *find_live(struct go_sampler *g, uint32_t number, bool make)
{
	size_t i;

	for (i = 0; i < g->live_count; i++) {
		if (g->processes[i]->number == number)
			return g->processes[i];
	}
	if (!make)
		return NULL;
	g->processes = xrealloc(g->processes, (g->live_count + 1) * sizeof(*g->processes));
	g->processes[g->live_count] = go_live_new(g->loader, g->builds, number);
	return g->processes[g->live_count++];
}

static void drop_live(struct go_sampler *g, uint32_t number)
{
	size_t i;

	for (i = 0; i < g->live_count; i++) {
		if (g->processes[i]->number != number)
			continue;
		go_live_free(g->processes[i]);
		g->processes[i] = g->processes[--g->live_count];
		return;
	}
}

static void obey(struct go_sampler *g, const struct go_order *order)
{
	bool make = order->type == ORDER_ADD || order->type == ORDER_SAMPLE;
	struct go_live *live = find_live(g, order->number, make);

	if (!live)
		return;

	switch (order->type) {
	case ORDER_ADD: live->pid = order->pid; break;
	case ORDER_DROP: drop_live(g, order->number); break;
	case ORDER_FORGET: go_live_forget(live); break;
	case ORDER_SAMPLE: go_live_add(live, &order->object); break;
	}
}

/* Under the lock. */
static void publish(struct go_sampler *g)
{
	size_t i;

	g->figures = xrealloc(g->figures, (g->live_count + 1) * sizeof(*g->figures));
	g->numbers = xrealloc(g->numbers, (g->live_count + 1) * sizeof(*g->numbers));
	for (i = 0; i < g->live_count; i++) {
		g->numbers[i] = g->processes[i]->number;
		g->figures[i] = g->processes[i]->figures;
	}
	g->process_count = g->live_count;
}

void go_sampler_read(struct go_sampler *g, uint32_t number, struct go_sampler_figures *figures)
{
	size_t i;

	*figures = (struct go_sampler_figures){0};
	pthread_mutex_lock(&g->lock);
	for (i = 0; i < g->process_count; i++) {
		if (g->numbers[i] == number)
			*figures = g->figures[i];
	}
	pthread_mutex_unlock(&g->lock);
}

/* Under the lock. */
static void sleep_for(struct go_sampler *g, uint64_t ns)
{
	uint64_t until_ns = clock_monotonic_ns() + ns;
	struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
				 .tv_nsec = (long)(until_ns % NS_PER_S)};

	while (!g->stop && !g->woken &&
	       pthread_cond_timedwait(&g->wake, &g->lock, &until) != ETIMEDOUT)
		;
	g->woken = false;
}

/* One look at all processes. Returns true when there is more to ask soon. */
static bool work(struct go_sampler *g, struct orders *orders, struct go_dead *dead)
{
	bool pending = false;
	size_t i;

	for (i = 0; i < orders->count; i++)
		obey(g, &orders->v[i]);
	orders->count = 0;
	for (i = 0; i < g->live_count; i++)
		pending |= go_live_step(g->processes[i], dead);
	return pending;
}

static void *keep(void *arg)
{
	struct go_sampler *g = arg;
	struct orders orders = {0}, swap;
	struct go_dead dead = {0};
	bool pending = false;

	pthread_setname_np(pthread_self(), "tracer-go");
	pthread_mutex_lock(&g->lock);
	while (!g->stop) {
		sleep_for(g, pending ? PENDING_NS : g->live_count ? IDLE_NS : NONE_NS);
		swap = g->orders;
		g->orders = orders;
		orders = swap;
		pthread_mutex_unlock(&g->lock);
		pending = work(g, &orders, &dead);
		pthread_mutex_lock(&g->lock);
		go_dead_move(&g->dead, &dead);
		publish(g);
	}
	pthread_mutex_unlock(&g->lock);
	free(orders.v);
	go_dead_done(&dead);
	return NULL;
}

static void init_lock(struct go_sampler *g)
{
	pthread_mutex_init(&g->lock, NULL);
	thread_init_condition(&g->wake);
}

static void destroy(struct go_sampler *g)
{
	while (g->live_count)
		go_live_free(g->processes[--g->live_count]);
	pthread_cond_destroy(&g->wake);
	pthread_mutex_destroy(&g->lock);
	go_dead_done(&g->dead);
	go_dead_done(&g->giving);
	free(g->orders.v);
	free(g->processes);
	free(g->figures);
	free(g->numbers);
	free(g);
}

struct go_sampler *go_sampler_new(struct loader *loader, struct go_builds *builds)
{
	struct go_sampler *g = xcalloc(1, sizeof(*g));

	g->loader = loader;
	g->builds = builds;
	init_lock(g);
	return g;
}

int go_sampler_start(struct go_sampler *g)
{
	int err = 0;

	pthread_mutex_lock(&g->lock);
	if (!g->started)
		err = pthread_create(&g->thread, NULL, keep, g);
	g->started |= !err;
	pthread_mutex_unlock(&g->lock);
	return -err;
}

void go_sampler_free(struct go_sampler *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&g->lock);
	g->stop = true;
	pthread_cond_signal(&g->wake);
	pthread_mutex_unlock(&g->lock);
	if (g->started)
		pthread_join(g->thread, NULL);
	destroy(g);
}
