/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks that stand for others (EVENT_SAMPLE): what they count for, beside blocks that stand for themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/heap/heap.h"
#include "../../user/heap/restore.h"

#define SECOND 1000000000ull

static struct heap *make(void)
{
	struct heap_options options = {.generation_ns = SECOND};
	struct heap *h = heap_new(&options);

	assert_non_null(h);
	assert_int_not_equal(heap_add_process(h, 1, 100, "program", 0), 0);
	return h;
}

static void done(struct heap *h)
{
	assert_null(heap_check(h));
	heap_free(h);
}

static void sample(struct heap *h, uint64_t time_ns, uint64_t address, uint64_t bytes,
		   uint64_t count)
{
	struct event_sample e = {.h = {.time_ns = time_ns,
				       .process = 1,
				       .tid = 1,
				       .size = sizeof(e),
				       .type = EVENT_SAMPLE,
				       .call = CALL_ID_GO},
				 .address = address,
				 .bytes = bytes,
				 .stack = 7,
				 .count = count};

	heap_apply(h, &e.h);
	assert_null(heap_check(h));
}

static void alloc(struct heap *h, uint64_t time_ns, uint64_t address, uint64_t bytes)
{
	struct event_alloc e = {.h = {.time_ns = time_ns,
				      .process = 1,
				      .tid = 1,
				      .size = sizeof(e),
				      .type = EVENT_ALLOC,
				      .call = CALL_ID_MALLOC},
				.address = address,
				.bytes = bytes,
				.stack = 8};

	heap_apply(h, &e.h);
	assert_null(heap_check(h));
}

static void release(struct heap *h, uint64_t time_ns, uint64_t address)
{
	struct event_free e = {.h = {.time_ns = time_ns,
				     .process = 1,
				     .size = sizeof(e),
				     .type = EVENT_FREE,
				     .call = CALL_ID_GO},
			       .address = address};

	heap_apply(h, &e.h);
	assert_null(heap_check(h));
}

static const struct site *only_site(struct heap *h)
{
	assert_int_equal(heap_site_count(h), 1);
	return heap_site(h, 1);
}

static void sample__freed__takes_away_what_it_added(void **state)
{
	struct heap *h = make();
	const struct totals *t;

	(void)state;
	sample(h, 1, 0x1000, 64, 128);
	sample(h, 2, 0x3000, 64, 3);
	t = &only_site(h)->totals;
	assert_int_equal(t->outstanding_bytes, 64 * 131);
	assert_int_equal(t->outstanding_count, 131);
	release(h, 3, 0x1000);
	assert_int_equal(t->outstanding_bytes, 64 * 3);
	release(h, 4, 0x3000);
	assert_int_equal(t->outstanding_count, 0);
	assert_int_equal(t->free_bytes, t->alloc_bytes);
	assert_int_equal(heap_process(h, 1)->event_count, 4);
	assert_int_equal(heap_process(h, 1)->weights.count, 0);
	done(h);
}

static void sample__place_used_again__the_one_before_is_gone(void **state)
{
	struct heap *h = make();
	const struct heap_process *p = heap_process(h, 1);

	(void)state;
	sample(h, 1, 0x1000, 64, 128);
	sample(h, 2, 0x1000, 64, 5);
	assert_int_equal(p->totals.outstanding_bytes, 64 * 5);
	assert_int_equal(p->totals.free_bytes, 64 * 128);
	assert_int_equal(p->counts[COUNTER_REUSED_ADDRESS], 0);
	assert_int_equal(p->counts[COUNTER_UNKNOWN_FREE], 0);
	done(h);
}

static void sample__beside_exact_blocks__only_its_site_is_an_estimate(void **state)
{
	struct heap *h = make();
	const struct heap_process *p = heap_process(h, 1);
	struct interval i;

	(void)state;
	alloc(h, 1, 0x5000, 100);
	sample(h, 2, 0x1000, 64, 128);
	alloc(h, 3, 0x6000, 50);
	assert_true(heap_is_drawn(h));
	assert_null(heap_site_errors(h, 1));
	assert_non_null(heap_site_errors(h, 2));
	assert_int_equal(heap_site(h, 1)->totals.outstanding_bytes, 150);
	i = errors_bytes(heap_site_errors(h, 2), FIGURE_OUTSTANDING, 8192);
	assert_true(i.low >= 64 && i.low <= 64 * 128 && i.high >= 64 * 128);
	assert_int_equal(p->totals.outstanding_bytes, 150 + 64 * 128);
	release(h, 4, 0x5000);
	release(h, 5, 0x1000);
	assert_int_equal(p->totals.outstanding_bytes, 50);
	assert_int_equal(errors_of(&p->errors, FIGURE_OUTSTANDING).seen_count, 0);
	done(h);
}

static void sample__fork_and_exec__inherited_and_forgotten(void **state)
{
	struct event_fork fork = {
		.h = {.time_ns = 3, .process = 1, .size = sizeof(fork), .type = EVENT_FORK},
		.child = 2,
		.child_pid = 101};
	struct event_process exec = {
		.h = {.time_ns = 4, .process = 1, .size = sizeof(exec), .type = EVENT_EXEC},
		.comm = "other"};
	struct heap *h = make();

	(void)state;
	sample(h, 1, 0x1000, 64, 128);
	heap_apply(h, &fork.h);
	assert_null(heap_check(h));
	assert_int_equal(heap_process(h, 2)->totals.outstanding_count, 128);
	heap_apply(h, &exec.h);
	assert_int_equal(heap_process(h, 1)->totals.outstanding_count, 0);
	assert_int_equal(heap_process(h, 1)->weights.count, 0);
	done(h);
}

static void sample__makes_no_sense__counted(void **state)
{
	static const struct {
		uint64_t address, bytes, count;
	} bad[] = {{0, 64, 1},
		   {0x1000, 0, 1},
		   {0x1000, 64, 0},
		   {0x1000, 64, 1ull << 55},
		   {0x1000, 1ull << 60, 1}};
	struct heap *h = make();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		sample(h, 1, bad[i].address, bad[i].bytes, bad[i].count);
	assert_int_equal(heap_counter(h, COUNTER_BAD_RECORD), sizeof(bad) / sizeof(bad[0]));
	assert_int_equal(heap_site_count(h), 0);
	done(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample__freed__takes_away_what_it_added),
		cmocka_unit_test(sample__place_used_again__the_one_before_is_gone),
		cmocka_unit_test(sample__beside_exact_blocks__only_its_site_is_an_estimate),
		cmocka_unit_test(sample__fork_and_exec__inherited_and_forgotten),
		cmocka_unit_test(sample__makes_no_sense__counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
