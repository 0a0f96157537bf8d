/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of numbers: a process or a site begins with how many numbers follow, so that a later version may add some at the end, which
 * this one passes over.
 */
#include "totals_note.h"

#include <string.h>

#include "heap/restore.h"

#define NUMBERS_MOST	 128u
#define GENERATIONS_MOST UINT16_MAX

struct numbers {
	uint64_t v[NUMBERS_MOST];
	size_t count, next;
};

static void put(struct numbers *n, uint64_t v)
{
	if (n->count < NUMBERS_MOST)
		n->v[n->count++] = v;
}

/* What an older version did not write is 0. */
static uint64_t get(struct numbers *n)
{
	return n->next < n->count ? n->v[n->next++] : 0;
}

static void put_real(struct numbers *n, double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	put(n, bits);
}

static double get_real(struct numbers *n)
{
	uint64_t bits = get(n);
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

static void pack_numbers(struct buffer *b, const struct numbers *n)
{
	size_t i;

	pack_u64(b, n->count);
	for (i = 0; i < n->count; i++)
		pack_u64(b, n->v[i]);
}

static bool unpack_numbers(struct unpack *u, struct numbers *n)
{
	uint64_t count = unpack_u64(u), i;

	*n = (struct numbers){0};
	for (i = 0; i < count && !u->bad; i++)
		put(n, unpack_u64(u));
	return !u->bad;
}

static void put_totals(struct numbers *n, const struct totals *t)
{
	put(n, t->outstanding_bytes);
	put(n, t->outstanding_count);
	put(n, t->alloc_bytes);
	put(n, t->alloc_count);
	put(n, t->free_bytes);
	put(n, t->free_count);
	put(n, t->peak_bytes);
	put(n, t->temporary_count);
}

static void get_totals(struct numbers *n, struct totals *t)
{
	t->outstanding_bytes = get(n);
	t->outstanding_count = get(n);
	t->alloc_bytes = get(n);
	t->alloc_count = get(n);
	t->free_bytes = get(n);
	t->free_count = get(n);
	t->peak_bytes = get(n);
	t->temporary_count = get(n);
}

static void put_sums(struct numbers *n, const struct error_sums *e)
{
	put(n, e->seen_bytes);
	put(n, e->seen_count);
	put_real(n, e->missing_bytes);
	put_real(n, e->missing_count);
	put_real(n, e->bytes_variance);
	put_real(n, e->count_variance);
}

static void get_sums(struct numbers *n, struct error_sums *e)
{
	e->seen_bytes = get(n);
	e->seen_count = get(n);
	e->missing_bytes = get_real(n);
	e->missing_count = get_real(n);
	e->bytes_variance = get_real(n);
	e->count_variance = get_real(n);
}

static void put_errors(struct numbers *n, const struct errors *e)
{
	put_sums(n, &e->alloc);
	put_sums(n, &e->free);
	put_real(n, e->count_most);
}

static void get_errors(struct numbers *n, struct errors *e)
{
	get_sums(n, &e->alloc);
	get_sums(n, &e->free);
	e->count_most = get_real(n);
}

/* ---- processes ---- */

static void put_peaks(struct numbers *n, const struct process_peak peaks[2])
{
	put(n, peaks[0].time_ns);
	put(n, peaks[0].number);
	put(n, peaks[1].time_ns);
	put(n, peaks[1].number);
}

static void get_peaks(struct numbers *n, struct process_peak peaks[2])
{
	peaks[0].time_ns = get(n);
	peaks[0].number = (uint32_t)get(n);
	peaks[1].time_ns = get(n);
	peaks[1].number = (uint32_t)get(n);
}

static void pack_process(const struct heap_process *p, struct buffer *b)
{
	struct numbers n = {0};
	int id;

	put(&n, p->number);
	put(&n, p->pid);
	put(&n, p->started_ns);
	put(&n, p->exited);
	put(&n, (uint32_t)p->exit_code);
	put(&n, p->ended_ns);
	put(&n, p->exec_count);
	put(&n, p->event_count);
	put_totals(&n, &p->totals);
	put_totals(&n, &p->ranges_totals);
	put_errors(&n, &p->errors);
	put_peaks(&n, p->peaks);
	for (id = COUNTER_USER_FIRST; id < COUNTER_COUNT; id++)
		put(&n, p->counts[id]);
	pack_numbers(b, &n);
	pack_text(b, p->comm);
}

static bool unpack_process(struct heap *h, struct unpack *u)
{
	struct heap_process p = {0};
	struct numbers n;
	const char *comm;
	uint32_t index;
	int id;

	if (!unpack_numbers(u, &n))
		return false;
	p.number = (uint32_t)get(&n);
	p.pid = (uint32_t)get(&n);
	p.started_ns = get(&n);
	p.exited = get(&n) != 0;
	p.exit_code = (int)(uint32_t)get(&n);
	p.ended_ns = get(&n);
	p.exec_count = (uint32_t)get(&n);
	p.event_count = get(&n);
	get_totals(&n, &p.totals);
	get_totals(&n, &p.ranges_totals);
	get_errors(&n, &p.errors);
	get_peaks(&n, p.peaks);
	for (id = COUNTER_USER_FIRST; id < COUNTER_COUNT; id++)
		p.counts[id] = get(&n);
	comm = unpack_text(u);
	if (u->bad || !p.number)
		return false;
	index = heap_find_process(h, p.number);
	if (!index)
		index = heap_add_process(h, p.number, p.pid, comm, p.started_ns);
	if (!index)
		return false;
	if (comm)
		heap_set_comm(h, index, comm);
	heap_restore_process(h, index, &p);
	return true;
}

/* ---- sites ---- */

/* The buckets that hold anything, each with its number. */
static void pack_histogram(struct buffer *b, const struct histogram *h)
{
	struct numbers n = {0};
	uint32_t i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!h->v[i])
			continue;
		put(&n, i);
		put(&n, h->v[i]);
	}
	pack_numbers(b, &n);
}

static bool unpack_histogram(struct unpack *u, struct histogram *h)
{
	struct numbers n;

	if (!unpack_numbers(u, &n))
		return false;
	while (n.next < n.count) {
		uint64_t bucket = get(&n), count = get(&n);

		if (bucket < HISTOGRAM_BUCKETS)
			h->v[bucket] = (uint32_t)count;
	}
	return true;
}

static void pack_generations(struct buffer *b, const struct site *s)
{
	const struct generations *g = &s->generations;
	struct numbers recent = {0};
	uint32_t i, last = 0;

	pack_u64(b, g->count);
	for (i = 0; i < g->count; i++) {
		pack_u64(b, g->v[i].number - last);
		pack_u64(b, g->v[i].alive);
		last = g->v[i].number;
	}
	put(&recent, g->newest);
	for (i = 0; i < GENERATIONS_RECENT; i++)
		put(&recent, g->recent[i]);
	put(&recent, s->resizes);
	put(&recent, s->longest_ns);
	for (i = 0; i < g->count; i++) {
		if (g->v[i].last == g->v[i].number)
			continue;
		put(&recent, i);
		put(&recent, g->v[i].last);
	}
	pack_numbers(b, &recent);
}

#define ERROR_NUMBERS 13u /* of put_errors() */

/* Behind all else. */
static void put_bulk(struct numbers *n, const struct bulk *b)
{
	put(n, b->before.bytes);
	put(n, b->before.count);
	put(n, b->alive.bytes);
	put(n, b->alive.count);
}

static bool get_bulk(struct numbers *n, struct bulk *b)
{
	bool there = n->next < n->count;

	b->before = (struct carried){.bytes = get(n)};
	b->before.count = get(n);
	b->alive = (struct carried){.bytes = get(n)};
	b->alive.count = get(n);
	return there;
}

static void pack_site(struct heap *h, uint32_t index, struct buffer *b)
{
	const struct site *s = heap_site(h, index);
	const struct errors *errors = heap_site_errors(h, index);
	struct numbers n = {0};

	put(&n, heap_process(h, s->process)->number);
	put(&n, s->stack_id);
	put(&n, s->call);
	put(&n, s->inherited);
	put(&n, s->first_ns);
	put(&n, s->last_ns);
	put_totals(&n, &s->totals);
	put(&n, s->previous.bytes);
	put(&n, s->previous.count);
	put(&n, s->older.bytes);
	put(&n, s->older.count);
	put(&n, s->peak_bytes);
	put(&n, s->peak);
	put(&n, s->elder_frees);
	if (errors)
		put_errors(&n, errors);
	if (s->bulk)
		put_bulk(&n, heap_bulk(h, s->bulk));
	pack_numbers(b, &n);
	pack_generations(b, s);
	pack_histogram(b, &heap_site_lifetimes(h, index)->ages);
	pack_histogram(b, &heap_site_lifetimes(h, index)->sizes);
}

/* Of generations that were joined, their numbers among the others. */
static void get_lasts(struct numbers *n, struct generations *g)
{
	while (n->next < n->count) {
		uint64_t i = get(n), last = get(n);

		if (i < g->count && last > g->v[i].number && last < UINT32_MAX)
			g->v[i].last = (uint32_t)last;
	}
}

/* Sorted by how they are packed; numbers that would wrap are none. In *room, borrowed. */
static bool unpack_generations(struct unpack *u, struct site *s, struct buffer *room)
{
	struct generations *g = &s->generations;
	uint64_t count = unpack_u64(u), number = 0, i;
	struct numbers recent;

	if (u->bad || count > GENERATIONS_MOST || count > unpack_left(u))
		return false;
	buffer_reset(room);
	for (i = 0; i < count; i++) {
		struct generation one = {.number = 0};

		number += unpack_u64(u);
		one.number = one.last = (uint32_t)number;
		one.alive = unpack_u64(u);
		if (u->bad || number >= UINT32_MAX)
			return false;
		buffer_add(room, &one, sizeof(one));
	}
	if (!unpack_numbers(u, &recent))
		return false;
	*g = (struct generations){.v = (void *)room->data, .count = (uint16_t)count};
	g->capacity = g->count;
	g->newest = (uint32_t)get(&recent);
	for (i = 0; i < GENERATIONS_RECENT; i++)
		g->recent[i] = get(&recent);
	s->resizes = (uint32_t)get(&recent);
	s->longest_ns = get(&recent);
	get_lasts(&recent, g);
	return g->newest < UINT32_MAX;
}

static bool unpack_site(struct heap *h, struct unpack *u, struct buffer *room)
{
	struct lifetimes lifetimes = {0};
	struct errors errors = {0};
	struct site s = {0};
	struct numbers n;
	uint64_t call;
	struct bulk bulk;
	bool sampled, in_bulk;

	if (!unpack_numbers(u, &n))
		return false;
	s.process = heap_find_process(h, (uint32_t)get(&n));
	s.stack_id = get(&n);
	call = get(&n);
	s.call = (uint8_t)call;
	s.inherited = get(&n) != 0;
	s.first_ns = get(&n);
	s.last_ns = get(&n);
	get_totals(&n, &s.totals);
	s.previous = (struct carried){.bytes = get(&n)};
	s.previous.count = get(&n);
	s.older = (struct carried){.bytes = get(&n)};
	s.older.count = get(&n);
	s.peak_bytes = get(&n);
	s.peak = (uint32_t)get(&n);
	s.elder_frees = (uint32_t)get(&n);
	sampled = n.count - n.next >= ERROR_NUMBERS;
	if (sampled)
		get_errors(&n, &errors);
	in_bulk = get_bulk(&n, &bulk);
	if (!s.process || call >= CALL_ID_COUNT)
		return false;
	return unpack_generations(u, &s, room) && unpack_histogram(u, &lifetimes.ages) &&
	       unpack_histogram(u, &lifetimes.sizes) &&
	       heap_restore_site(h, &s, &lifetimes, sampled ? &errors : NULL,
				 in_bulk ? &bulk : NULL);
}

/* ---- all ---- */

void totals_pack(struct heap *h, uint64_t since_version, struct buffer *b)
{
	uint32_t i, changed = 0;

	for (i = 1; i <= heap_site_count(h); i++)
		changed += heap_site(h, i)->version > since_version;
	pack_u64(b, heap_now(h));
	pack_u64(b, heap_process_count(h));
	for (i = 1; i <= heap_process_count(h); i++)
		pack_process(heap_process(h, i), b);
	pack_u64(b, changed);
	for (i = 1; i <= heap_site_count(h); i++) {
		if (heap_site(h, i)->version > since_version)
			pack_site(h, i, b);
	}
}

bool totals_unpack(struct heap *h, struct unpack *u)
{
	struct buffer room = {0};
	uint64_t now_ns = unpack_u64(u), count = unpack_u64(u);
	bool good = !u->bad;

	if (good)
		heap_restore_clock(h, now_ns);
	for (; good && count; count--)
		good = unpack_process(h, u);
	count = good ? unpack_u64(u) : 0;
	for (; good && count; count--)
		good = unpack_site(h, u, &room);
	buffer_done(&room);
	return good && !u->bad;
}
