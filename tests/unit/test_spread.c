/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/spread.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "../../user/analyse/build.h"
#include "../../user/analyse/spread.h"

#define MS 1000000ull

static void send(struct heap *h, uint8_t type, uint64_t time_ns, uint64_t address, uint64_t bytes)
{
	struct event_alloc e = {
		.h = {.time_ns = time_ns,
		      .process = 1,
		      .tid = 9,
		      .size = sizeof(e),
		      .type = type,
		      .call = type == EVENT_MMAP ? CALL_ID_MMAP : CALL_ID_MALLOC},
		.address = address,
		.bytes = bytes,
		.stack = 1,
	};

	e.h.size = type == EVENT_FREE ? sizeof(struct event_free) : sizeof(e);
	heap_apply(h, &e.h);
}

static void take(struct spread *spread, struct heap *h, uint64_t now_ns)
{
	struct snapshot s;
	struct spread_walk walk = {.spreads = spread, .snapshot = &s, .heap = h};

	assert_int_equal(snapshot_build(&s, h, NULL, now_ns), 0);
	while (spread_some(&walk))
		;
	snapshot_free(&s);
}

static void spread_add__freed_and_outstanding__each_in_its_class(void **state)
{
	const struct heap_options options = {.generation_ns = 1000 * MS};
	struct heap *h = heap_new(&options);
	struct spread s = {.sizes = {{0}}};

	(void)state;
	heap_add_process(h, 1, 100, "one", 0);
	send(h, EVENT_ALLOC, 10 * MS, 0x1000, 100);
	send(h, EVENT_ALLOC, 10 * MS, 0x2000, 120);
	send(h, EVENT_ALLOC, 10 * MS, 0x3000, 5000);
	send(h, EVENT_FREE, 14 * MS, 0x1000, 0);
	send(h, EVENT_MMAP, 12 * MS, 0x100000, 8192);
	take(&s, h, 20 * MS);
	/* 64 .. 127 bytes */
	assert_true(s.sizes[6].blocks == 2 && s.sizes[6].outstanding == 1 &&
		    s.sizes[6].bytes == 120);
	assert_true(s.sizes[12].outstanding == 1 && s.sizes[12].bytes == 5000);
	assert_true(s.sizes[13].blocks == 1 && s.sizes[13].bytes == 8192);
	/* 2^21 .. 2^22 ns, 2^22 .. 2^23 ns, 2^23 .. 2^24 ns */
	assert_true(s.ages[11].blocks == 1 && s.ages[11].outstanding == 0);
	assert_true(s.ages[12].outstanding == 1 && s.ages[12].bytes == 8192);
	assert_true(s.ages[13].outstanding == 2 && s.ages[13].bytes == 5120);
	heap_free(h);
}

static void spread_add__sampled__adds_up_to_the_totals(void **state)
{
	const struct heap_options options = {.generation_ns = 1000 * MS, .sample_bytes = 1000};
	struct heap *h = heap_new(&options);
	struct spread s = {.sizes = {{0}}};
	double allocated = 0, freed = 0;
	struct heap_process *p;

	(void)state;
	heap_add_process(h, 1, 100, "one", 0);
	for (uint64_t i = 1; i <= 500; i++)
		send(h, EVENT_ALLOC, i * MS, 0x1000 * i, 10 + i);
	for (uint64_t i = 1; i <= 300; i++)
		send(h, EVENT_FREE, 600 * MS, 0x1000 * i, 0);
	take(&s, h, 700 * MS);
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		allocated += s.sizes[i].blocks;
		freed += s.ages[i].blocks;
	}
	p = heap_process(h, 1);
	assert_true(p->totals.alloc_count > 1000); /* each stands for several */
	assert_float_equal(allocated, p->totals.alloc_count, 0.001);
	assert_float_equal(freed, p->totals.free_count, 0.001);
	heap_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spread_add__freed_and_outstanding__each_in_its_class),
		cmocka_unit_test(spread_add__sampled__adds_up_to_the_totals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
