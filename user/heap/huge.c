// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Huge pages, cut into pieces. Where the kernel gives none they are small pages that are there already.
 *
 * A page has its state in its first piece, and its free pieces in a list through them; pages with free pieces are a list, too, from
 * whose first one is taken. One more page at most is ready: `ready` is handed over without a lock, the lock is for asking.
 *
 * Invariant: free_count is the number of free pieces of the pages in the list.
 */
#include "huge.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../base/thread.h"

#define PAGE_BYTES  (2u << 20)
#define PAGE_PIECES (PAGE_BYTES / HUGE_PIECE_BYTES - 1) /* without the first */
/* The next page is asked for when so many pieces are left. */
#define LOW_PIECES (PAGE_PIECES / 8)

struct page {
	struct page *next, *before; /* of those with free pieces */
	void **given;		    /* pieces that came back; each begins with the next one */
	uint32_t fresh, used;	    /* never taken yet are those from `fresh` on */
};

struct huge {
	struct page *pages, *ready;
	size_t page_count, free_count;
	bool running, failed;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t asked;
	bool wanted, stop; /* under the lock */
};

struct huge *huge_new(void)
{
	struct huge *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->asked, NULL);
	return h;
}

/* Aligned to its size; NULL: no memory. Its first piece is zeros. */
static struct page *page_map(void)
{
	uint8_t *v = mmap(NULL, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	size_t before;

	if (v == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)v % PAGE_BYTES;
	if (before)
		munmap(v, before);
	munmap(v + before + PAGE_BYTES, PAGE_BYTES - before);
	madvise(v + before, PAGE_BYTES, MADV_HUGEPAGE);
	return (void *)(v + before);
}

static void page_touch(struct page *p)
{
	size_t step = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < PAGE_BYTES; i += step)
		((volatile uint8_t *)p)[i] = 0;
}

static void *make_ready(void *arg)
{
	struct huge *h = arg;
	struct page *p;

	pthread_setname_np(pthread_self(), "tracer-pages");
	pthread_mutex_lock(&h->lock);
	while (!h->stop) {
		if (!h->wanted) {
			pthread_cond_wait(&h->asked, &h->lock);
			continue;
		}
		pthread_mutex_unlock(&h->lock);
		p = page_map();
		if (p)
			page_touch(p);
		pthread_mutex_lock(&h->lock);
		__atomic_store_n(&h->ready, p, __ATOMIC_RELEASE);
		h->wanted = false;
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

static void start(struct huge *h)
{
	h->running = !thread_start(&h->thread, make_ready, h);
	h->failed = !h->running;
}

static void ask(struct huge *h)
{
	if (h->failed || __atomic_load_n(&h->ready, __ATOMIC_RELAXED))
		return;
	if (!h->running)
		start(h);
	pthread_mutex_lock(&h->lock);
	if (!h->ready)
		h->wanted = true;
	pthread_cond_signal(&h->asked);
	pthread_mutex_unlock(&h->lock);
}

void huge_free(struct huge *h)
{
	struct page *p, *next;

	if (!h)
		return;
	if (h->running) {
		pthread_mutex_lock(&h->lock);
		h->stop = true;
		pthread_cond_signal(&h->asked);
		pthread_mutex_unlock(&h->lock);
		pthread_join(h->thread, NULL);
	}
	for (p = h->pages; p; p = next) {
		next = p->next;
		munmap(p, PAGE_BYTES);
	}
	if (h->ready)
		munmap(h->ready, PAGE_BYTES);
	pthread_cond_destroy(&h->asked);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static void page_link(struct huge *h, struct page *p)
{
	p->before = NULL;
	p->next = h->pages;
	if (p->next)
		p->next->before = p;
	h->pages = p;
}

static void page_unlink(struct huge *h, struct page *p)
{
	if (p->next)
		p->next->before = p->before;
	if (p->before)
		p->before->next = p->next;
	else
		h->pages = p->next;
}

/* Takes over the page that is ready. False: there is none. */
static bool page_add(struct huge *h)
{
	struct page *p = __atomic_exchange_n(&h->ready, NULL, __ATOMIC_ACQUIRE);

	if (!p)
		return false;
	h->page_count++;
	h->free_count += PAGE_PIECES;
	page_link(h, p);
	return true;
}

static void *piece_take(struct page *p)
{
	void **piece = p->given;

	if (piece)
		p->given = *piece;
	else
		piece = (void *)((uint8_t *)p + ++p->fresh * HUGE_PIECE_BYTES);
	p->used++;
	return piece;
}

void *huge_take(struct huge *h)
{
	struct page *p;
	void *piece;

	if (!h)
		return NULL;
	if (!h->pages && !page_add(h)) {
		ask(h);
		return NULL;
	}
	p = h->pages;
	piece = piece_take(p);
	h->free_count--;
	if (p->used == PAGE_PIECES)
		page_unlink(h, p);
	if (h->free_count < LOW_PIECES)
		ask(h);
	return piece;
}

/* One page that is empty is kept. */
void huge_give(struct huge *h, void *piece)
{
	struct page *p = (void *)((uintptr_t)piece & ~(uintptr_t)(PAGE_BYTES - 1));

	*(void **)piece = p->given;
	p->given = piece;
	if (p->used-- == PAGE_PIECES)
		page_link(h, p);
	h->free_count++;
	if (p->used || h->free_count < PAGE_PIECES + LOW_PIECES)
		return;
	page_unlink(h, p);
	h->free_count -= PAGE_PIECES;
	h->page_count--;
	munmap(p, PAGE_BYTES);
}

size_t huge_idle(const struct huge *h)
{
	size_t bytes;

	if (!h)
		return 0;
	bytes = __atomic_load_n(&h->ready, __ATOMIC_RELAXED) ? PAGE_BYTES : 0;
	/* the first pieces, too */
	return bytes + h->free_count * HUGE_PIECE_BYTES + h->page_count * HUGE_PIECE_BYTES;
}
