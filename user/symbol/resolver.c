/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread with two queues of questions. The first is answered from what is on this machine. Where
 * that leaves a file without lines and the user has named debuginfod servers, the question goes on to
 * the second queue, which waits for downloads, one at a time: a server that does not answer delays
 * nothing but its own answers.
 *
 * Questions are taken in batches and sorted by file and address, so that each file is opened once and
 * what libdw unpacks for one unit serves all addresses in it.
 *
 * Invariant: the lock protects the queues, the answers and the counts; what lookups need belongs to the
 * thread alone. A location's first fields are written before the lock is taken to ask for it.
 */
#include "resolver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "../base/clock.h"
#include "../base/xalloc.h"
#include "debug.h"
#include "lookup.h"
#include "perf_map.h"

#define RESOLVER_BATCH	     16384
#define RESOLVER_WAKE_NS     (100 * NS_PER_MS)
#define RESOLVER_STACK_BYTES (8ul << 20)
#define RESOLVER_STOP_S	     3
/* Whoever empties rings or draws comes first. */
#define RESOLVER_NICE 5

struct queue {
	struct location **v;
	size_t first, count, capacity; /* from first on, up to count */
};

struct resolver {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t asked;
	/* under the lock */
	struct queue fast;
	struct resolver_answer *first, **tail;
	size_t pending;
	bool stop, downloading;
	/* the thread's, once it runs */
	struct queue slow;
	struct lookup lookup; /* debug also for debug_cancel() */
	uint64_t woken_ns;
	int wake_fd;
};

static void queue_add(struct queue *q, struct location *location)
{
	if (q->first == q->count)
		q->first = q->count = 0;
	if (q->count == q->capacity) {
		q->capacity = q->capacity ? 2 * q->capacity : 256;
		q->v = xrealloc(q->v, q->capacity * sizeof(*q->v));
	}
	q->v[q->count++] = location;
}

static size_t queue_take(struct queue *q, struct location **out, size_t most)
{
	size_t count = q->count - q->first;

	if (count > most)
		count = most;
	if (count)
		memcpy(out, q->v + q->first, count * sizeof(*out));
	q->first += count;
	return count;
}

static int resolver_compare(const void *left, const void *right)
{
	const struct location *a = *(struct location *const *)left;
	const struct location *b = *(struct location *const *)right;

	if (a->image != b->image)
		return (uintptr_t)a->image < (uintptr_t)b->image ? -1 : 1;
	return a->address == b->address ? 0 : a->address < b->address ? -1 : 1;
}

static void resolver_wake(struct resolver *r)
{
	uint64_t one = 1;

	r->woken_ns = clock_monotonic_ns();
	while (write(r->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* True: go on. */
static bool resolver_publish(struct resolver *r, struct location *location, bool last)
{
	struct resolver_answer *answer = xcalloc(1, sizeof(*answer));
	bool stop;

	answer->location = location;
	answer->names = lookup_location(&r->lookup, location);
	if (!last && !debug_may_ask(r->lookup.debug, location->image))
		last = true;
	if (!last)
		queue_add(&r->slow, location);
	answer->last = last;
	pthread_mutex_lock(&r->lock);
	*r->tail = answer;
	r->tail = &answer->next;
	r->pending -= last;
	stop = r->stop;
	pthread_mutex_unlock(&r->lock);
	if (clock_monotonic_ns() - r->woken_ns >= RESOLVER_WAKE_NS)
		resolver_wake(r);
	return !stop;
}

/* In the thread of the download. */
static void resolver_on_download(void *argument)
{
	struct resolver *r = argument;

	pthread_mutex_lock(&r->lock);
	r->downloading = false;
	pthread_cond_signal(&r->asked);
	pthread_mutex_unlock(&r->lock);
}

/* Set before it begins, since it may be over at once. */
static bool resolver_download(struct resolver *r, const struct image *image)
{
	bool begun;

	pthread_mutex_lock(&r->lock);
	r->downloading = true;
	pthread_mutex_unlock(&r->lock);
	begun = debug_ask(r->lookup.debug, image, resolver_on_download, r);
	if (!begun)
		resolver_on_download(r);
	return begun;
}

/* What waits for one download is answered together, when it is over. */
static void resolver_answer_slowly(struct resolver *r)
{
	const struct image *image = r->slow.v[r->slow.first]->image;
	size_t i, kept = 0, count = r->slow.count;
	struct location **v = r->slow.v;

	debug_take_answer(r->lookup.debug);
	if (debug_may_ask(r->lookup.debug, image) && resolver_download(r, image))
		return;
	for (i = r->slow.first; i < count; i++) {
		if (v[i]->image != image)
			v[kept++] = v[i];
		else if (!resolver_publish(r, v[i], true))
			break;
	}
	r->slow.first = 0;
	r->slow.count = kept;
	resolver_wake(r);
}

static void resolver_answer(struct resolver *r, struct location **batch, size_t count)
{
	size_t i;

	qsort(batch, count, sizeof(*batch), resolver_compare);
	for (i = 0; i < count; i++) {
		if (!resolver_publish(r, batch[i], batch[i]->jit != NULL))
			return;
	}
	resolver_wake(r);
}

/* True: go on. *count 0: only slow ones are left. */
static bool resolver_wait(struct resolver *r, struct location **batch, size_t *count)
{
	bool stop;

	pthread_mutex_lock(&r->lock);
	while (!r->stop && r->fast.first == r->fast.count &&
	       (r->downloading || r->slow.first == r->slow.count))
		pthread_cond_wait(&r->asked, &r->lock);
	*count = queue_take(&r->fast, batch, RESOLVER_BATCH);
	stop = r->stop;
	pthread_mutex_unlock(&r->lock);
	return !stop;
}

static void *resolver_run(void *argument)
{
	struct resolver *r = argument;
	struct location **batch = xcalloc(RESOLVER_BATCH, sizeof(*batch));
	size_t count;

	pthread_setname_np(pthread_self(), "tracer-names");
	setpriority(PRIO_PROCESS, (id_t)gettid(), RESOLVER_NICE);
	while (resolver_wait(r, batch, &count)) {
		if (count)
			resolver_answer(r, batch, count);
		else
			resolver_answer_slowly(r);
	}
	free(batch);
	return NULL;
}

/* Signals are the main thread's, but for those that a fault of this thread causes. */
static int resolver_start_thread(struct resolver *r)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int err;

	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, RESOLVER_STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&r->thread, &attributes, resolver_run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return err;
}

static void resolver_free(struct resolver *r)
{
	while (r->first) {
		struct resolver_answer *next = r->first->next;

		free(r->first->names);
		free(r->first);
		r->first = next;
	}
	debug_free(r->lookup.debug);
	perf_maps_free(r->lookup.maps);
	pthread_cond_destroy(&r->asked);
	pthread_mutex_destroy(&r->lock);
	free(r->fast.v);
	free(r->slow.v);
	free(r);
}

struct resolver *resolver_start(const struct skip *skip, int wake_fd)
{
	struct resolver *r = xcalloc(1, sizeof(*r));
	int err;

	r->tail = &r->first;
	r->wake_fd = wake_fd;
	r->lookup = (struct lookup){debug_new(), perf_maps_new(), skip};
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->asked, NULL);
	err = resolver_start_thread(r);
	if (!err)
		return r;
	resolver_free(r);
	errno = err;
	return NULL;
}

bool resolver_stop(struct resolver *r)
{
	struct timespec until;

	if (!r)
		return true;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->asked);
	pthread_mutex_unlock(&r->lock);
	debug_cancel(r->lookup.debug);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += RESOLVER_STOP_S;
	if (pthread_timedjoin_np(r->thread, NULL, &until) != 0)
		return false;
	resolver_free(r);
	return true;
}

void resolver_ask(struct resolver *r, struct location *location)
{
	pthread_mutex_lock(&r->lock);
	queue_add(&r->fast, location);
	r->pending++;
	pthread_cond_signal(&r->asked);
	pthread_mutex_unlock(&r->lock);
}

struct resolver_answer *resolver_take(struct resolver *r)
{
	struct resolver_answer *answers;

	pthread_mutex_lock(&r->lock);
	answers = r->first;
	r->first = NULL;
	r->tail = &r->first;
	pthread_mutex_unlock(&r->lock);
	return answers;
}

size_t resolver_pending(struct resolver *r)
{
	size_t pending;

	pthread_mutex_lock(&r->lock);
	pending = r->pending;
	pthread_mutex_unlock(&r->lock);
	return pending;
}
