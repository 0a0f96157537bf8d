/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/growth.c: programs in seconds of written events, and the verdict on
 * their only site. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/analyse/build.h"

#define S 1000000000ull

struct bench {
	struct heap *heap;
	struct growth *growth;
	uint64_t now_ns;
	uint64_t next; /* address of the next block */
};

static void open_bench(struct bench *b, double window_s)
{
	struct heap_options heap_options = {.generation_ns = S,
					    .elder_ns = (uint64_t)(growth_elder_s(window_s) * S)};
	struct growth_options options = {
		.window_s = window_s,
		.interval_s = 1,
		.threshold = 0.1,
	};

	memset(b, 0, sizeof(*b));
	b->heap = heap_new(&heap_options);
	b->growth = growth_new(&options);
	b->next = 16;
	heap_add_process(b->heap, 1, 100, "one", 0);
	growth_sample(b->growth, b->heap, 0);
}

static void close_bench(struct bench *b)
{
	assert_null(heap_check(b->heap));
	heap_free(b->heap);
	growth_free(b->growth);
}

static void send(struct bench *b, uint8_t type, uint64_t address)
{
	struct event_alloc e = {
		.h = {.time_ns = b->now_ns,
		      .process = 1,
		      .tid = 9,
		      .size = sizeof(e),
		      .type = type,
		      .call = CALL_ID_MALLOC},
		.address = address,
		.bytes = 1000,
		.stack = 5,
	};

	heap_apply(b->heap, &e.h);
}

static void allocate(struct bench *b, unsigned count)
{
	for (; count; count--, b->next += 16)
		send(b, EVENT_ALLOC, b->next);
}

/* The newest block gets another size, at another address. */
static void enlarge(struct bench *b, uint64_t bytes)
{
	struct event_realloc e = {
		.h = {.time_ns = b->now_ns,
		      .process = 1,
		      .tid = 9,
		      .size = sizeof(e),
		      .type = EVENT_REALLOC,
		      .call = CALL_ID_MALLOC},
		.address = b->next,
		.old_address = b->next - 16,
		.bytes = bytes,
		.stack = 5,
		.entry_ns = b->now_ns,
	};

	heap_apply(b->heap, &e.h);
	b->next += 16;
}

/* Frees the blocks [from, from + count), counted from 0 in the order of their allocation. */
static void release(struct bench *b, uint64_t from, unsigned count)
{
	for (; count; count--, from++)
		send(b, EVENT_FREE, (from + 1) * 16);
}

/* The end of a second: the clock goes on, a sample is taken. */
static void tick(struct bench *b)
{
	b->now_ns = (b->now_ns / S + 1) * S;
	assert_int_equal(growth_sample(b->growth, b->heap, b->now_ns), 0);
	b->now_ns += S / 2;
}

static struct snapshot_site look(struct bench *b, struct snapshot_process *process)
{
	struct snapshot s;
	struct snapshot_site site;

	assert_int_equal(snapshot_build(&s, b->heap, b->growth, b->now_ns), 0);
	assert_int_equal(s.site_count, 1);
	site = s.sites[0];
	if (process)
		*process = s.processes[0];
	snapshot_free(&s);
	return site;
}

static void growth__leak__verdict_rate_and_score(void **state)
{
	struct bench b;
	struct snapshot_site site;
	struct snapshot_process process;

	(void)state;
	open_bench(&b, 30);
	for (int i = 0; i < 60; i++) {
		allocate(&b, 10);
		tick(&b);
	}
	site = look(&b, &process);
	assert_int_equal(site.verdict, VERDICT_LEAK);
	assert_true(site.score > 50 && site.score <= 100);
	assert_true(site.growth_bytes_per_s > 9000 && site.growth_bytes_per_s < 11000);
	assert_true(process.growth_bytes_per_s > 9000 && process.growth_bytes_per_s < 11000);
	assert_int_equal(process.leak_site_count, 1);
	assert_true(site.oldest_s > 59);
	close_bench(&b);
}

/* Nothing is said of leaks before blocks have got old. */
/* Of a process as of its sites: the line, its interval, how sure it is, and over which time. */
static void growth__process_grows__its_trends(void **state)
{
	struct bench b;
	struct snapshot_site site;
	struct snapshot_process process;

	(void)state;
	open_bench(&b, 30);
	for (int i = 0; i < 40; i++) {
		allocate(&b, 10 + (unsigned)i % 3);
		tick(&b);
	}
	site = look(&b, &process);
	assert_true(process.watched_s == 30 && site.watched_s == 30);
	assert_true(process.bytes_trend.slope > 10900 && process.bytes_trend.slope < 11100);
	assert_true(process.blocks_trend.slope > 10.9 && process.blocks_trend.slope < 11.1);
	assert_true(process.bytes_trend.low > 10000 && process.bytes_trend.high < 12000);
	assert_true(process.bytes_trend.p < 1e-6 && process.blocks_trend.p < 1e-6);
	assert_memory_equal(&process.bytes_trend, &site.bytes_trend, sizeof(site.bytes_trend));
	assert_memory_equal(&process.blocks_trend, &site.blocks_trend, sizeof(site.blocks_trend));
	close_bench(&b);
}

/* One sample makes no line: nothing is said before there are two. */
static void growth__process_just_seen__no_trend(void **state)
{
	struct bench b;
	struct snapshot_process process;

	(void)state;
	open_bench(&b, 30);
	allocate(&b, 10);
	b.now_ns = S / 2;
	look(&b, &process);
	assert_true(process.watched_s == 0);
	tick(&b);
	look(&b, &process);
	assert_true(process.watched_s == 1);
	close_bench(&b);
}

static void growth__first_seconds__new(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	for (int i = 0; i < 20; i++) {
		allocate(&b, 10);
		tick(&b);
		assert_int_equal(look(&b, NULL).verdict, VERDICT_NEW);
		assert_true(look(&b, NULL).score == 0);
	}
	for (int i = 0; i < 5; i++) {
		allocate(&b, 10);
		tick(&b);
	}
	assert_int_equal(look(&b, NULL).verdict, VERDICT_LEAK);
	close_bench(&b);
}

/* Its growth in the window becomes small beside what is there; over all of the time it does not. */
static void growth__leak_for_hours__still_one(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	for (int i = 1; i <= 3 * 3600; i++) {
		allocate(&b, 1);
		tick(&b);
		if (i >= 30 && (i % 600 == 0 || i == 30))
			assert_int_equal(look(&b, NULL).verdict, VERDICT_LEAK);
	}
	close_bench(&b);
}

/* When it stops it is one no more. */
static void growth__leak_that_ended__steady(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	for (int i = 0; i < 300; i++) {
		allocate(&b, 5);
		tick(&b);
	}
	assert_int_equal(look(&b, NULL).verdict, VERDICT_LEAK);
	for (int i = 0; i < 40; i++)
		tick(&b);
	assert_int_equal(look(&b, NULL).verdict, VERDICT_STEADY);
	close_bench(&b);
}

static void growth__history__whole_and_bounded(void **state)
{
	const struct series_point *points;
	struct growth_point plot[50];
	struct bench b;
	size_t count;

	(void)state;
	open_bench(&b, 30);
	for (int i = 0; i < 7200; i++) {
		allocate(&b, 2);
		release(&b, (uint64_t)i * 2, 1);
		tick(&b);
	}
	count = growth_site_series(b.growth, 1, &points);
	assert_in_range(count, 40, 100);
	assert_int_equal(points[0].time_ns, S);
	assert_int_equal(points[count - 1].allocs, 14400);
	assert_int_equal(points[count - 1].allocs - points[count - 1].count, 7200);
	for (size_t i = 1; i < count; i++) {
		assert_true(points[i].time_ns - points[i - 1].time_ns <= 400 * S);
		assert_int_equal(points[i].allocs, 2 * (points[i].time_ns / S));
	}
	count = growth_history(b.growth, 1, plot, 50);
	assert_int_equal(count, 50);
	assert_int_equal(plot[0].bytes, 0);
	assert_int_equal(plot[49].bytes, 7200 * 1000);
	for (size_t i = 0; i < count; i++) {
		double bytes = 1000.0 * (double)plot[i].time_ns / S;

		assert_true((double)plot[i].bytes <= bytes + 1000 &&
			    (double)plot[i].bytes >= bytes - 4e5);
	}
	count = growth_process_series(b.growth, 1, &points);
	assert_in_range(count, 40, 100);
	assert_int_equal(points[count - 1].bytes, 7200 * 1000);
	assert_int_equal(growth_site_series(b.growth, 99, &points), 0);
	assert_int_equal(growth_process_series(b.growth, 99, &points), 0);
	close_bench(&b);
}

static void growth__churn__steady(void **state)
{
	struct bench b;
	uint64_t oldest = 0;

	(void)state;
	open_bench(&b, 30);
	allocate(&b, 100);
	for (int i = 0; i < 60; i++, oldest += 20) {
		allocate(&b, 20);
		release(&b, oldest, 20);
		tick(&b);
	}
	assert_int_equal(look(&b, NULL).verdict, VERDICT_STEADY);
	assert_true(look(&b, NULL).score == 0);
	assert_true(look(&b, NULL).growth_bytes_per_s == 0);
	close_bench(&b);
}

/* Ever more blocks, but each lives 5 seconds. */
static void growth__old_ones_freed__growing(void **state)
{
	struct bench b;
	uint64_t freed = 0;

	(void)state;
	open_bench(&b, 20);
	for (unsigned i = 0; i < 60; i++) {
		allocate(&b, 10 + i);
		if (i >= 5) {
			release(&b, freed, 10 + i - 5);
			freed += 10 + i - 5;
		}
		tick(&b);
	}
	assert_int_equal(look(&b, NULL).verdict, VERDICT_GROWING);
	close_bench(&b);
}

/* Most young blocks are freed at once; what decides is that the old ones stay. */
static void growth__leak_among_churn__leak(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	for (int i = 0; i < 60; i++) {
		uint64_t first = b.next / 16 - 1;

		allocate(&b, 100);
		release(&b, first, 95);
		tick(&b);
	}
	assert_int_equal(look(&b, NULL).verdict, VERDICT_LEAK);
	close_bench(&b);
}

static void growth__grown_long_ago__steady(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	allocate(&b, 1000);
	for (int i = 0; i < 40; i++)
		tick(&b);
	assert_int_equal(look(&b, NULL).verdict, VERDICT_STEADY);
	assert_true(look(&b, NULL).allocs_per_s == 0);
	close_bench(&b);
}

static void growth__shrinks__negative_rate(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	allocate(&b, 600);
	for (unsigned i = 0; i < 35; i++)
		tick(&b);
	for (unsigned i = 0; i < 30; i++) {
		release(&b, i * 10, 10);
		tick(&b);
	}
	assert_int_equal(look(&b, NULL).verdict, VERDICT_STEADY);
	assert_true(look(&b, NULL).growth_bytes_per_s < -9000);
	close_bench(&b);
}

static void growth__last_interval__rates(void **state)
{
	struct bench b;
	struct snapshot_process process;
	struct snapshot_site site;

	(void)state;
	open_bench(&b, 30);
	for (int i = 0; i < 5; i++) {
		allocate(&b, 1);
		tick(&b);
	}
	allocate(&b, 20);
	release(&b, 0, 2);
	site = look(&b, &process);
	assert_true(site.allocs_per_s == 40); /* half a second since the last sample */
	assert_true(site.frees_per_s == 4);
	assert_true(process.allocs_per_s == 40);
	assert_true(process.frees_per_s == 4);
	assert_true(process.alloc_bytes_per_s == 40000);
	close_bench(&b);
}

/* Longer windows than samples are kept for. */
static void growth__long_window__samples_further_apart(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, 600);
	for (int i = 0; i < 1500; i++) {
		allocate(&b, 1);
		tick(&b);
	}
	assert_int_equal(look(&b, NULL).verdict, VERDICT_LEAK);
	assert_true(look(&b, NULL).growth_bytes_per_s > 950);
	assert_true(look(&b, NULL).growth_bytes_per_s < 1050);
	close_bench(&b);
}

static void growth__no_sample_yet__no_rates(void **state)
{
	struct growth_options options = {.window_s = 30};
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	growth_free(b.growth);
	b.growth = growth_new(&options);
	allocate(&b, 1);
	assert_true(look(&b, NULL).growth_bytes_per_s == 0);
	assert_int_equal(look(&b, NULL).verdict, VERDICT_NEW);
	close_bench(&b);
}

/* Samples are not scaled when blocks that survive are counted: a leak stays one. */
static void growth__sampled_leak__verdict_and_range(void **state)
{
	struct heap_options heap_options = {
		.generation_ns = S, .elder_ns = 20 * S, .sample_bytes = 65536};
	struct snapshot s;
	struct interval i;
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	heap_free(b.heap);
	b.heap = heap_new(&heap_options);
	heap_add_process(b.heap, 1, 100, "one", 0);
	for (int n = 0; n < 60; n++) {
		allocate(&b, 2);
		tick(&b);
	}
	assert_int_equal(snapshot_build(&s, b.heap, b.growth, b.now_ns), 0);
	assert_int_equal(s.sites[0].verdict, VERDICT_LEAK);
	/* 2 samples a second that stand for 66 blocks of 1000 bytes, 61 of them in the window */
	assert_true(s.sites[0].growth_bytes_per_s > 125e3 && s.sites[0].growth_bytes_per_s < 136e3);
	i = uncertain_growth(s.sites[0].uncertain, s.sites[0].growth_bytes_per_s);
	assert_true(i.high - s.sites[0].growth_bytes_per_s > 30e3);
	assert_true(i.high - s.sites[0].growth_bytes_per_s < 36e3);
	/* a process of one site changes as that does */
	assert_true(s.processes[0].uncertain->growth_variance ==
		    s.sites[0].uncertain->growth_variance);
	snapshot_free(&s);
	close_bench(&b);
}

/* ---- the rules beside the steady one ---- */

static void wait_ticks(struct bench *b, int count)
{
	while (count--)
		tick(b);
}

static void expect_rule(struct bench *b, enum verdict verdict, enum leak_rule rule)
{
	struct snapshot_site site = look(b, NULL);

	assert_int_equal(site.verdict, verdict);
	assert_int_equal(site.rule, rule);
}

static void growth__bursts_far_apart__leak_until_one_is_overdue(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	wait_ticks(&b, 10);
	allocate(&b, 50);
	wait_ticks(&b, 35);
	allocate(&b, 60);
	wait_ticks(&b, 15);
	expect_rule(&b, VERDICT_STEADY, LEAK_NONE);
	wait_ticks(&b, 7);
	expect_rule(&b, VERDICT_LEAK, LEAK_BURSTS);
	wait_ticks(&b, 35);
	assert_int_equal(look(&b, NULL).verdict, VERDICT_STEADY);
	close_bench(&b);
}

/* What is there at the start is no burst. */
static void growth__loaded_at_the_start_and_once_more__no_leak(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	allocate(&b, 50);
	wait_ticks(&b, 40);
	allocate(&b, 50);
	for (int i = 0; i < 100; i++) {
		tick(&b);
		assert_int_not_equal(look(&b, NULL).verdict, VERDICT_LEAK);
	}
	close_bench(&b);
}

static void growth__one_block_enlarged_all_the_time__leak_until_freed(void **state)
{
	struct bench b;
	uint64_t bytes = 1000;

	(void)state;
	open_bench(&b, 30);
	allocate(&b, 1);
	for (int i = 0; i < 50; i++) {
		enlarge(&b, bytes += 1000);
		tick(&b);
	}
	expect_rule(&b, VERDICT_LEAK, LEAK_ENLARGED);
	release(&b, b.next / 16 - 2, 1);
	allocate(&b, 1);
	for (int i = 0; i < 50; i++) {
		enlarge(&b, bytes += 1000);
		tick(&b);
	}
	assert_int_not_equal(look(&b, NULL).verdict, VERDICT_LEAK);
	close_bench(&b);
}

/* As tables and vectors do that fill. */
static void growth__one_block_doubled__no_leak(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	allocate(&b, 1);
	for (int i = 0; i < 100; i++) {
		if (i % 4 == 3)
			enlarge(&b, 64ull << i / 4);
		tick(&b);
		assert_int_not_equal(look(&b, NULL).verdict, VERDICT_LEAK);
	}
	close_bench(&b);
}

/* Once it is known that all goes at once, it is no leak before it is well overdue. */
static void growth__freed_as_a_whole_again_and_again__no_leak(void **state)
{
	static const int cycles[] = {18, 40, 30, 44, 25};
	struct bench b;
	uint64_t freed = 0;

	(void)state;
	open_bench(&b, 30);
	for (size_t k = 0; k < sizeof(cycles) / sizeof(cycles[0]); k++) {
		for (int i = 0; i < cycles[k]; i++) {
			allocate(&b, 10);
			tick(&b);
			assert_int_not_equal(look(&b, NULL).verdict, VERDICT_LEAK);
		}
		release(&b, freed, (unsigned)(10 * cycles[k]));
		freed += (uint64_t)(10 * cycles[k]);
	}
	for (int i = 0; i < 120; i++) {
		allocate(&b, 10);
		tick(&b);
	}
	assert_int_equal(look(&b, NULL).verdict, VERDICT_LEAK);
	close_bench(&b);
}

/* Twenty a second live for 25 s, longer than elders need; one a second stays. */
static void growth__lost_among_long_lived_ones__leak(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	for (uint64_t i = 0; i < 100; i++) {
		allocate(&b, 21);
		if (i >= 25)
			release(&b, 21 * (i - 25), 20);
		tick(&b);
	}
	expect_rule(&b, VERDICT_LEAK, LEAK_SURVIVORS);
	close_bench(&b);
}

/* The same without the one. */
static void growth__long_lived_ones__no_leak(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, 30);
	for (uint64_t i = 0; i < 150; i++) {
		allocate(&b, 20);
		if (i >= 25)
			release(&b, 20 * (i - 25), 20);
		tick(&b);
		assert_true(i < 26 || look(&b, NULL).verdict != VERDICT_LEAK);
	}
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growth__leak__verdict_rate_and_score),
		cmocka_unit_test(growth__process_grows__its_trends),
		cmocka_unit_test(growth__process_just_seen__no_trend),
		cmocka_unit_test(growth__first_seconds__new),
		cmocka_unit_test(growth__leak_for_hours__still_one),
		cmocka_unit_test(growth__leak_that_ended__steady),
		cmocka_unit_test(growth__history__whole_and_bounded),
		cmocka_unit_test(growth__churn__steady),
		cmocka_unit_test(growth__old_ones_freed__growing),
		cmocka_unit_test(growth__leak_among_churn__leak),
		cmocka_unit_test(growth__grown_long_ago__steady),
		cmocka_unit_test(growth__shrinks__negative_rate),
		cmocka_unit_test(growth__last_interval__rates),
		cmocka_unit_test(growth__long_window__samples_further_apart),
		cmocka_unit_test(growth__no_sample_yet__no_rates),
		cmocka_unit_test(growth__sampled_leak__verdict_and_range),
		cmocka_unit_test(growth__bursts_far_apart__leak_until_one_is_overdue),
		cmocka_unit_test(growth__loaded_at_the_start_and_once_more__no_leak),
		cmocka_unit_test(growth__one_block_enlarged_all_the_time__leak_until_freed),
		cmocka_unit_test(growth__one_block_doubled__no_leak),
		cmocka_unit_test(growth__freed_as_a_whole_again_and_again__no_leak),
		cmocka_unit_test(growth__lost_among_long_lived_ones__leak),
		cmocka_unit_test(growth__long_lived_ones__no_leak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
