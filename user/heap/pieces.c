// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages of 2 MB, cut into pieces. A huge one is there as a whole from the beginning; where the kernel gives none, it is small pages that
 * are there already. A page of small pages is there as far as it has been used.
 *
 * A page has its state in its first piece. Those of a kind with free pieces are a list, from whose first one is taken. One more huge
 * page at most is ready: `ready` is handed over without a lock, the lock is for asking.
 *
 * Invariant: free_count is the number of free pieces of the pages in the list of their kind.
 */
#include "pieces.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../base/thread.h"

#define PAGE_BYTES  (2u << 20)
#define ALL_PIECES  (PAGE_BYTES / PIECE_BYTES)
#define PAGE_PIECES (ALL_PIECES - 1) /* without the first */
#define WORD_BITS   64u
/* The next huge page is asked for when so many pieces are left. */
#define LOW_PIECES (PAGE_PIECES / 8)

enum kind { SMALL, HUGE, KINDS };

struct page {
	struct page *next, *before;	       /* of those with free pieces */
	uint64_t free[ALL_PIECES / WORD_BITS]; /* a bit for each piece */
	uint32_t used;
	enum kind kind;
};

struct pool_of_pages {
	struct page *pages;
	size_t page_count, free_count;
};

struct pieces {
	struct pool_of_pages of[KINDS];
	struct page *ready;
	bool running, failed;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t asked;
	bool wanted, stop; /* under the lock */
};

struct pieces *pieces_new(void)
{
	struct pieces *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->asked, NULL);
	return p;
}

/* Aligned to its size; NULL: no memory. */
static struct page *page_map(enum kind kind)
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
	madvise(v + before, PAGE_BYTES, kind == HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return (void *)(v + before);
}

/* All pieces but the first are free. */
static void page_begin(struct page *page, enum kind kind)
{
	memset(page->free, 0xff, sizeof(page->free));
	page->free[0]--;
	page->kind = kind;
	page->used = 0;
}

static void page_touch(struct page *page)
{
	size_t step = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < PAGE_BYTES; i += step)
		((volatile uint8_t *)page)[i] = 0;
}

static void *make_ready(void *arg)
{
	struct pieces *p = arg;
	struct page *page;

	pthread_setname_np(pthread_self(), "tracer-pages");
	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		if (!p->wanted) {
			pthread_cond_wait(&p->asked, &p->lock);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		page = page_map(HUGE);
		if (page)
			page_touch(page);
		pthread_mutex_lock(&p->lock);
		__atomic_store_n(&p->ready, page, __ATOMIC_RELEASE);
		p->wanted = false;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void start(struct pieces *p)
{
	p->running = !thread_start(&p->thread, make_ready, p);
	p->failed = !p->running;
}

static void ask(struct pieces *p)
{
	if (p->failed || __atomic_load_n(&p->ready, __ATOMIC_RELAXED))
		return;
	if (!p->running)
		start(p);
	pthread_mutex_lock(&p->lock);
	if (!p->ready)
		p->wanted = true;
	pthread_cond_signal(&p->asked);
	pthread_mutex_unlock(&p->lock);
}

static void free_pages(struct pool_of_pages *of)
{
	struct page *next;

	for (struct page *page = of->pages; page; page = next) {
		next = page->next;
		munmap(page, PAGE_BYTES);
	}
}

void pieces_free(struct pieces *p)
{
	if (!p)
		return;
	if (p->running) {
		pthread_mutex_lock(&p->lock);
		p->stop = true;
		pthread_cond_signal(&p->asked);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	free_pages(&p->of[SMALL]);
	free_pages(&p->of[HUGE]);
	if (p->ready)
		munmap(p->ready, PAGE_BYTES);
	pthread_cond_destroy(&p->asked);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void page_link(struct pool_of_pages *of, struct page *page)
{
	page->before = NULL;
	page->next = of->pages;
	if (page->next)
		page->next->before = page;
	of->pages = page;
}

static void page_unlink(struct pool_of_pages *of, struct page *page)
{
	if (page->next)
		page->next->before = page->before;
	if (page->before)
		page->before->next = page->next;
	else
		of->pages = page->next;
}

/* Takes the page over. False: there is none. */
static bool page_add(struct pool_of_pages *of, struct page *page, enum kind kind)
{
	if (!page)
		return false;
	page_begin(page, kind);
	of->page_count++;
	of->free_count += PAGE_PIECES;
	page_link(of, page);
	return true;
}

static void *piece_take(struct page *page)
{
	uint32_t i = 0, bit;

	while (!page->free[i])
		i++;
	bit = (uint32_t)__builtin_ctzll(page->free[i]);
	page->free[i] &= page->free[i] - 1;
	page->used++;
	return (uint8_t *)page + (size_t)(i * WORD_BITS + bit) * PIECE_BYTES;
}

static void *take_from(struct pool_of_pages *of)
{
	struct page *page = of->pages;
	void *piece = piece_take(page);

	of->free_count--;
	if (page->used == PAGE_PIECES)
		page_unlink(of, page);
	return piece;
}

void *pieces_take(struct pieces *p)
{
	struct pool_of_pages *of;

	if (!p)
		return NULL;
	of = &p->of[SMALL];
	return of->pages || page_add(of, page_map(SMALL), SMALL) ? take_from(of) : NULL;
}

void *pieces_take_huge(struct pieces *p)
{
	struct pool_of_pages *of;
	void *piece;

	if (!p)
		return NULL;
	of = &p->of[HUGE];
	if (!of->pages &&
	    !page_add(of, __atomic_exchange_n(&p->ready, NULL, __ATOMIC_ACQUIRE), HUGE)) {
		ask(p);
		return NULL;
	}
	piece = take_from(of);
	if (of->free_count < LOW_PIECES)
		ask(p);
	return piece;
}

static struct page *page_of(void *piece)
{
	return (void *)((uintptr_t)piece & ~(uintptr_t)(PAGE_BYTES - 1));
}

/* One page that is empty is kept. */
void pieces_give(struct pieces *p, void *piece)
{
	struct page *page = page_of(piece);
	struct pool_of_pages *of = &p->of[page->kind];
	size_t i = (size_t)((uint8_t *)piece - (uint8_t *)page) / PIECE_BYTES;

	page->free[i / WORD_BITS] |= 1ull << i % WORD_BITS;
	if (page->used-- == PAGE_PIECES)
		page_link(of, page);
	of->free_count++;
	if (page->used || of->free_count < PAGE_PIECES + LOW_PIECES)
		return;
	page_unlink(of, page);
	of->free_count -= PAGE_PIECES;
	of->page_count--;
	munmap(page, PAGE_BYTES);
}

void pieces_drop(struct pieces *p, void *piece)
{
	if (page_of(piece)->kind == SMALL)
		madvise(piece, PIECE_BYTES, MADV_DONTNEED);
	pieces_give(p, piece);
}

size_t pieces_idle(const struct pieces *p)
{
	const struct pool_of_pages *of;
	size_t bytes;

	if (!p)
		return 0;
	of = &p->of[HUGE];
	bytes = __atomic_load_n(&p->ready, __ATOMIC_RELAXED) ? PAGE_BYTES : 0;
	/* the first pieces, too */
	return bytes + (of->free_count + of->page_count) * PIECE_BYTES;
}
