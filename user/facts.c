/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fact is packed as twice its number and its value, a text or an array as twice the number plus 1, length and bytes; 0 ends
 * a list. What is 0 is left out. Numbers that are not known are passed over.
 */
#include "facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "go_pool_pack.h"
#include "goroutine_facts.h"

enum {
	ARRAY_COUNTS = 100,
	ARRAY_COMM = 101,
	ARRAY_GO_POOLS = 120,
	ARRAY_GO_LIVE = 341,
	ARRAY_GOROUTINES = 360
};

static void put_u64(struct buffer *b, unsigned number, uint64_t v)
{
	if (!v)
		return;
	pack_u64(b, 2 * number);
	pack_u64(b, v);
}

static uint64_t bits_of_real(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static double real_of_bits(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

#define BITS_u64(v)	(v)
#define BITS_u32(v)	(v)
#define BITS_maybe(v)	(v)
#define BITS_measure(v) bits_of_real(v)
#define FROM_maybe(v)	(v)
#define FROM_measure(v) real_of_bits(v)
#define BITS_flag(v)	((v) ? 1 : 0)
#define BITS_real(v)	bits_of_real(v)
#define BITS_s64(v)	((uint64_t)(v))
#define FROM_u64(v)	(v)
#define FROM_s64(v)	((int64_t)(v))
#define FROM_u32(v)	((uint32_t)(v))
#define FROM_flag(v)	((v) != 0)
#define FROM_real(v)	real_of_bits(v)

static void put_array(struct buffer *b, unsigned number, const void *bytes, size_t count)
{
	pack_u64(b, 2 * number + 1);
	pack_bytes(b, bytes, count);
}

static void put_counts(struct buffer *b, const uint64_t *counts, size_t count)
{
	struct buffer list = {0};
	size_t i;

	for (i = 0; i < count; i++) {
		if (!counts[i])
			continue;
		pack_u64(&list, i);
		pack_u64(&list, counts[i]);
	}
	if (list.length)
		put_array(b, ARRAY_COUNTS, list.data, list.length);
	buffer_done(&list);
}

static void put_go_live(struct buffer *b, const struct go_gc *g)
{
	struct go_live_point before = {0};
	struct buffer list = {0};
	uint32_t i;

	for (i = 0; i < g->point_count; i++) {
		pack_u64(&list, g->points[i].cycle - before.cycle);
		pack_u64(&list, g->points[i].end_ns - before.end_ns);
		pack_u64(&list, g->points[i].bytes);
		before = g->points[i];
	}
	if (list.length)
		put_array(b, ARRAY_GO_LIVE, list.data, list.length);
	buffer_done(&list);
}

static void put_go_pools(struct buffer *b, const struct go_pools_figures *f)
{
	struct buffer list = {0};

	if (!f->known)
		return;
	go_pool_pack(f, &list);
	put_array(b, ARRAY_GO_POOLS, list.data, list.length);
	buffer_done(&list);
}

static void put_goroutines(struct buffer *b, const struct go_goroutines *g)
{
	struct buffer list = {0};

	if (!g->known)
		return;
	goroutine_facts_pack(g, &list);
	put_array(b, ARRAY_GOROUTINES, list.data, list.length);
	buffer_done(&list);
}

static void pack_process(const struct process_facts *p, struct buffer *b)
{
#define X(number, type, member) put_u64(b, number, BITS_##type(p->member));
	PROCESS_FACTS(X)
#undef X
#define X(number, type, member, name) put_u64(b, number, BITS_##type(p->go.member));
	GO_FIGURES(X)
#undef X
#define X(number, type, member) put_u64(b, number, BITS_##type(p->go_heap.member));
	GO_HEAP(X)
#undef X
#define X(number, type, member, name) put_u64(b, number, BITS_##type(p->go_gc.member));
	GO_GC_FIGURES(X)
#undef X
	put_go_live(b, &p->go_gc);
	put_goroutines(b, &p->goroutines);
	put_array(b, ARRAY_COMM, p->comm, strnlen(p->comm, sizeof(p->comm)));
	put_counts(b, p->counts, COUNTER_BPF_COUNT);
	put_go_pools(b, &p->go_pools);
	pack_u64(b, 0);
}

void facts_pack(const struct facts *f, struct buffer *b)
{
	size_t i;

#define X(number, type, member) put_u64(b, number, BITS_##type(f->member));
	FACTS(X)
#undef X
	put_counts(b, f->counts, COUNTER_COUNT);
	pack_u64(b, 0);
	for (i = 0; i < f->process_count; i++)
		pack_process(&f->processes[i], b);
}

static void get_counts(struct unpack list, uint64_t *counts, size_t count)
{
	while (unpack_left(&list) && !list.bad) {
		uint64_t i = unpack_u64(&list), v = unpack_u64(&list);

		if (i < count)
			counts[i] = v;
	}
}

static struct unpack get_array(struct unpack *u)
{
	size_t count;
	const uint8_t *bytes = unpack_bytes(u, &count);

	return (struct unpack){bytes, count ? bytes + count : bytes, false};
}

static void get_value(struct facts *f, uint64_t number, uint64_t v)
{
	switch (number) {
#define X(n, type, member)                                                                         \
	case n: f->member = FROM_##type(v); break;
		FACTS(X)
#undef X
	default: break;
	}
}

static void get_process_value(struct process_facts *p, uint64_t number, uint64_t v)
{
	switch (number) {
#define X(n, type, member)                                                                         \
	case n: p->member = FROM_##type(v); break;
		PROCESS_FACTS(X)
#undef X
#define X(n, type, member, name)                                                                   \
	case n: p->go.member = FROM_##type(v); break;
		GO_FIGURES(X)
#undef X
#define X(n, type, member)                                                                         \
	case n: p->go_heap.member = FROM_##type(v); break;
		GO_HEAP(X)
#undef X
#define X(n, type, member, name)                                                                   \
	case n: p->go_gc.member = FROM_##type(v); break;
		GO_GC_FIGURES(X)
#undef X
	default: break;
	}
}

static void get_go_live(struct unpack list, struct go_gc *g)
{
	struct go_live_point before = {0};

	while (unpack_left(&list) && !list.bad && g->point_count < GO_LIVE_POINTS) {
		struct go_live_point *p = &g->points[g->point_count++];

		p->cycle = before.cycle + (uint32_t)unpack_u64(&list);
		p->end_ns = before.end_ns + unpack_u64(&list);
		p->bytes = unpack_u64(&list);
		before = *p;
	}
}

static void get_process_array(struct process_facts *p, uint64_t number, struct unpack list)
{
	size_t n = unpack_left(&list);

	if (number == ARRAY_COUNTS)
		get_counts(list, p->counts, COUNTER_BPF_COUNT);
	else if (number == ARRAY_GO_LIVE)
		get_go_live(list, &p->go_gc);
	else if (number == ARRAY_GO_POOLS)
		go_pool_unpack(&p->go_pools, list);
	else if (number == ARRAY_GOROUTINES && !p->goroutines.known)
		goroutine_facts_unpack(&p->goroutines, &list);
	else if (number == ARRAY_COMM && n < sizeof(p->comm))
		memcpy(p->comm, list.at, n);
}

static bool get_facts(struct facts *f, struct unpack *u)
{
	uint64_t tag;

	while ((tag = unpack_u64(u)) && !u->bad) {
		if (!(tag & 1)) {
			get_value(f, tag / 2, unpack_u64(u));
		} else {
			struct unpack list = get_array(u);

			if (!u->bad && tag / 2 == ARRAY_COUNTS)
				get_counts(list, f->counts, COUNTER_COUNT);
		}
	}
	return !u->bad;
}

static bool get_process(struct process_facts *p, struct unpack *u)
{
	uint64_t tag;

	while ((tag = unpack_u64(u)) && !u->bad) {
		if (!(tag & 1)) {
			get_process_value(p, tag / 2, unpack_u64(u));
		} else {
			struct unpack list = get_array(u);

			if (!u->bad)
				get_process_array(p, tag / 2, list);
		}
	}
	return !u->bad;
}

bool facts_unpack(struct facts *f, struct unpack *u)
{
	bool good;

	*f = (struct facts){0};
	good = get_facts(f, u);
	while (good && unpack_left(u))
		good = get_process(facts_add_process(f), u);
	if (!good)
		facts_done(f);
	return good;
}

void facts_done(struct facts *f)
{
	size_t i;

	for (i = 0; i < f->process_count; i++) {
		go_pools_figures_done(&f->processes[i].go_pools);
		go_goroutines_done(&f->processes[i].goroutines);
	}
	free(f->processes);
	*f = (struct facts){0};
}

struct process_facts *facts_process(const struct facts *f, uint32_t number)
{
	size_t i;

	for (i = 0; i < f->process_count; i++) {
		if (f->processes[i].number == number)
			return &f->processes[i];
	}
	return NULL;
}

struct process_facts *facts_add_process(struct facts *f)
{
	f->processes = xrealloc(f->processes, (f->process_count + 1) * sizeof(*f->processes));
	f->processes[f->process_count] = (struct process_facts){0};
	return &f->processes[f->process_count++];
}
