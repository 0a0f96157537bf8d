// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pieces are segments of the tables of blocks (heap/walk.c): the lock is given back after each. A step
 * takes a few milliseconds, then keys have their turn. What is born during a walk may be seen or not;
 * what is there from its beginning to its end is seen once. After a walk there is a pause many times
 * as long.
 */
#include "walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "heap/heap.h"
#include "site_resident.h"

#define STEP_NS	  (3 * NS_PER_MS)
#define WANTED_NS (5 * NS_PER_S)
/* One read of a page map each, about a microsecond. */
#define SAMPLE_BLOCKS 2048
#define PAUSE_NS      NS_PER_S
#define PAUSE_TIMES   50 /* as long as a walk took of the processor */

struct walk_thread {
	uint32_t process, tid;
	uint64_t bytes, count, oldest_ns;
};

void walk_init(struct walk *w, struct tracker *tracker, const struct rows *rows)
{
	*w = (struct walk){.tracker = tracker, .rows = rows, .result = {.done = 1}};
}

void walk_done(struct walk *w)
{
	free(w->result.threads);
	free(w->threads);
	free(w->slots);
	free(w->sample);
	memset(w, 0, sizeof(*w));
}

/* ---- threads ---- */

static uint32_t slot_hash(uint32_t process, uint32_t tid)
{
	return (uint32_t)((((uint64_t)process << 32 | tid) * 0x9e3779b97f4a7c15ull) >> 32);
}

static void put_slot(struct walk *w, uint32_t number)
{
	const struct walk_thread *t = &w->threads[number];
	uint32_t i = slot_hash(t->process, t->tid);

	while (w->slots[i & (w->slot_count - 1)])
		i++;
	w->slots[i & (w->slot_count - 1)] = number + 1;
}

static void grow_slots(struct walk *w)
{
	uint32_t i;

	w->slot_count = w->slot_count ? w->slot_count * 2 : 256;
	free(w->slots);
	w->slots = xcalloc(w->slot_count, sizeof(*w->slots));
	for (i = 0; i < w->thread_count; i++)
		put_slot(w, i);
}

static uint32_t find_thread(struct walk *w, uint32_t process, uint32_t tid)
{
	uint32_t i, number;

	if (w->thread_count * 2 >= w->slot_count)
		grow_slots(w);
	for (i = slot_hash(process, tid); (number = w->slots[i & (w->slot_count - 1)]); i++) {
		const struct walk_thread *t = &w->threads[number - 1];

		if (t->tid == tid && t->process == process)
			return number;
	}
	if (w->thread_count == w->thread_capacity) {
		w->thread_capacity = w->thread_capacity ? w->thread_capacity * 2 : 64;
		w->threads = xrealloc(w->threads, w->thread_capacity * sizeof(*w->threads));
	}
	w->threads[w->thread_count] =
		(struct walk_thread){.process = process, .tid = tid, .oldest_ns = UINT64_MAX};
	put_slot(w, w->thread_count);
	return ++w->thread_count;
}

/* ---- blocks ---- */

static bool is_of_site(const struct walk *w, uint32_t site)
{
	if (!w->site)
		return false;
	if (site < w->rows->count && w->rows->primary[site])
		site = w->rows->primary[site];
	return site == w->site;
}

static void keep_sample(struct walk *w, const struct block *block)
{
	if (!w->sample)
		w->sample = xcalloc(SAMPLE_BLOCKS, sizeof(*w->sample));
	if (w->sample_count < SAMPLE_BLOCKS)
		w->sample[w->sample_count++] = (struct report_block){
			.address = block->address, .bytes = block->bytes, .site = block->site};
}

static void keep_oldest(struct walk *w, const struct block *block)
{
	size_t i = w->oldest_count;

	if (i == VIEW_OLDEST && block->born_ns >= w->oldest_born[i - 1])
		return;
	if (i < VIEW_OLDEST)
		w->oldest_count++;
	else
		i--;
	for (; i > 0 && w->oldest_born[i - 1] > block->born_ns; i--) {
		w->oldest[i] = w->oldest[i - 1];
		w->oldest_born[i] = w->oldest_born[i - 1];
	}
	w->oldest_born[i] = block->born_ns;
	w->oldest[i] = (struct report_block){.address = block->address,
					     .bytes = block->bytes,
					     .tid = block->tid,
					     .site = block->site};
}

static void visit(void *context, const struct block *block)
{
	struct walk *w = context;
	struct walk_thread *t = w->last ? &w->threads[w->last - 1] : NULL;
	double times = 1;

	w->seen++;
	if (!t || t->tid != block->tid || t->process != w->process) {
		w->last = find_thread(w, w->process, block->tid);
		t = &w->threads[w->last - 1];
	}
	if (heap_is_drawn(w->tracker->heap))
		times = 1 / chance_of(w->tracker->heap, w->of, block);
	t->bytes += (uint64_t)((double)block->bytes * times + 0.5);
	t->count += (uint64_t)(times + 0.5);
	if (block->born_ns < t->oldest_ns)
		t->oldest_ns = block->born_ns;
	if (is_of_site(w, block->site)) {
		keep_oldest(w, block);
		keep_sample(w, block);
	}
}

static void visit_ranges(struct walk *w)
{
	size_t i;

	for (i = 0; i < w->of->ranges.count; i++) {
		const struct range *r = &w->of->ranges.v[i];
		const struct block block = {.address = r->start,
					    .bytes = r->bytes,
					    .born_ns = r->born_ns,
					    .site = r->site,
					    .tid = r->tid};

		visit(w, &block);
	}
}

/* ---- a walk ---- */

static void begin(struct walk *w, uint64_t now)
{
	struct heap *heap = w->tracker->heap;
	uint32_t i;

	w->on = true;
	w->process = 1;
	w->position = w->seen = w->expected = w->busy_ns = 0;
	w->ranges_done = false;
	w->begun_ns = now;
	w->thread_count = w->last = 0;
	w->oldest_count = w->sample_count = 0;
	memset(w->slots, 0, w->slot_count * sizeof(*w->slots));
	consumer_lock(w->tracker->consumer);
	for (i = 1; i <= heap_process_count(heap); i++)
		w->expected += heap_process(heap, i)->blocks.count;
	consumer_unlock(w->tracker->consumer);
}

/* With the lock. False: that was the last piece. */
static bool piece(struct walk *w)
{
	struct heap *heap = w->tracker->heap;

	if (w->process > heap_process_count(heap))
		return false;
	w->of = heap_process(heap, w->process);
	if (!w->ranges_done) {
		visit_ranges(w);
		w->ranges_done = true;
	} else if (!blocks_walk(&w->of->blocks, &w->position, visit, w)) {
		w->process++;
		w->position = 0;
		w->ranges_done = false;
	}
	return true;
}

static int by_bytes(const void *a, const void *b)
{
	const struct view_thread *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static double age_s(uint64_t born_ns, uint64_t now)
{
	return now > born_ns ? (double)(now - born_ns) / NS_PER_S : 0;
}

static int by_address(const void *a, const void *b)
{
	const struct report_block *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static void look_at_memory(struct walk *w)
{
	const struct snapshot_site site = {.site = w->site};
	struct view_walk *r = &w->result;

	r->resident_known = false;
	/* of a recorded process nothing is in memory */
	if (!w->sample_count || w->event_ns)
		return;
	qsort(w->sample, w->sample_count, sizeof(*w->sample), by_address);
	r->resident_known =
		site_resident(w->tracker, &site, w->sample, w->sample_count, &r->resident);
}

static void end(struct walk *w, uint64_t now)
{
	uint64_t event_ns = w->event_ns ? w->event_ns : now;
	struct view_walk *r = &w->result;
	uint32_t i;

	r->threads = xrealloc(r->threads, (w->thread_count + 1) * sizeof(*r->threads));
	r->thread_count = w->thread_count;
	for (i = 0; i < w->thread_count; i++) {
		const struct walk_thread *t = &w->threads[i];

		r->threads[i] = (struct view_thread){.process = t->process,
						     .tid = t->tid,
						     .bytes = t->bytes,
						     .count = t->count,
						     .oldest_s = age_s(t->oldest_ns, event_ns)};
	}
	qsort(r->threads, r->thread_count, sizeof(*r->threads), by_bytes);
	r->site = w->site;
	r->oldest_count = w->oldest_count;
	for (i = 0; i < w->oldest_count; i++) {
		r->oldest[i] = w->oldest[i];
		r->oldest[i].age_s = age_s(w->oldest_born[i], event_ns);
	}
	look_at_memory(w);
	r->known = true;
	r->ended++;
	w->on = false;
	w->ended_ns = now;
	w->next_ns =
		now + (w->busy_ns * PAUSE_TIMES > PAUSE_NS ? w->busy_ns * PAUSE_TIMES : PAUSE_NS);
}

struct view_walk *walk_ask(struct walk *w, uint32_t site)
{
	uint64_t now = clock_monotonic_ns();

	w->wanted_until_ns = now + WANTED_NS;
	if (site && site != w->site) {
		w->site = site;
		w->on = false;
		w->next_ns = now;
	}
	w->result.age_s = age_s(w->ended_ns, now);
	w->result.done = w->on && w->expected ? (double)w->seen / (double)w->expected : 1;
	if (!w->result.known && !w->on)
		w->result.done = 0;
	return &w->result;
}

void walk_stop(struct walk *w)
{
	w->on = false;
	w->next_ns = 0;
}

uint64_t walk_next_ns(const struct walk *w)
{
	if (w->on)
		return 0;
	return w->next_ns < w->wanted_until_ns ? w->next_ns : UINT64_MAX;
}

bool walk_step(struct walk *w)
{
	uint64_t now = clock_monotonic_ns(), until = now + STEP_NS, begun = now;
	struct consumer *consumer = w->tracker->consumer;
	bool more = true;

	if (!w->on && (now < w->next_ns || now > w->wanted_until_ns))
		return false;
	if (!w->on)
		begin(w, now);
	consumer_lock(consumer);
	while (now < until && (more = piece(w))) {
		consumer_pause(consumer);
		now = clock_monotonic_ns();
	}
	consumer_unlock(consumer);
	w->busy_ns += now - begun;
	if (!more)
		end(w, now);
	return !more;
}
