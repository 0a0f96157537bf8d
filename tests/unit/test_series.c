/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/series.c: against all points ever added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../user/analyse/series.h"

#define S 1000000000ull

static const struct series_limits limits = {
	.step_ns = S, .recent_ns = 31 * S, .recent = 32, .older = 48};

static void add(struct series *s, uint64_t second)
{
	struct series_point point = {.time_ns = second * S,
				     .bytes = 100 * second,
				     .count = second,
				     .allocs = 3 * second};

	assert_int_equal(series_add(s, &point, &limits), 0);
}

static void check_order(const struct series *s)
{
	assert_true(s->count <= limits.recent + limits.older);
	for (uint32_t i = 1; i < s->count; i++)
		assert_true(s->v[i - 1].time_ns < s->v[i].time_ns);
}

static void series_at__nothing_yet__none(void **state)
{
	struct series s = {0};

	(void)state;
	assert_null(series_at(&s, 5 * S));
	assert_null(series_last(&s));
	add(&s, 10);
	assert_null(series_at(&s, 10 * S - 1));
	assert_int_equal(series_at(&s, 10 * S)->count, 10);
	assert_int_equal(series_at(&s, UINT64_MAX)->count, 10);
	series_done(&s);
}

/* Most sites of very many never change again. */
static void series_add__first__room_for_it_alone(void **state)
{
	struct series s = {0};

	(void)state;
	add(&s, 1);
	assert_int_equal(s.capacity, 1);
	for (uint64_t second = 2; second <= 200; second++)
		add(&s, second);
	assert_true(s.capacity <= limits.recent + limits.older);
	series_done(&s);
}

static void series_add__seconds__recent_ones_exact(void **state)
{
	struct series s = {0};

	(void)state;
	for (uint64_t second = 1; second <= 5000; second++) {
		add(&s, second);
		check_order(&s);
		for (uint64_t back = 0; back <= 31 && back < second; back++)
			assert_int_equal(series_at(&s, (second - back) * S)->count, second - back);
	}
	series_done(&s);
}

/* Whatever the time, it spans all of it, evenly, and its sums are those of the moments of its points. */
static void series_add__weeks__bounded_and_whole(void **state)
{
	struct series s = {0};
	uint64_t seconds = 2 * 7 * 86400, widest = 0;

	(void)state;
	for (uint64_t second = 1; second <= seconds; second++)
		add(&s, second);
	check_order(&s);
	assert_true(s.v[0].time_ns <= s.step_ns);
	for (uint32_t i = 1; i < s.count; i++) {
		uint64_t gap = s.v[i].time_ns - s.v[i - 1].time_ns;

		widest = gap > widest ? gap : widest;
		assert_int_equal(s.v[i].allocs, 3 * (s.v[i].time_ns / S));
	}
	assert_true(widest <= 2 * s.step_ns && s.step_ns <= seconds * S / 8);
	assert_true(s.count >= limits.recent);
	series_done(&s);
}

/* A site that changes once an hour has all its changes for days. */
static void series_add__rare_changes__all_kept(void **state)
{
	struct series s = {0};

	(void)state;
	for (uint64_t hour = 1; hour <= 75; hour++)
		add(&s, hour * 3600);
	assert_int_equal(s.count, 75);
	for (uint64_t hour = 1; hour <= 75; hour++)
		assert_int_equal(series_at(&s, hour * 3600 * S + S)->count, hour * 3600);
	series_done(&s);
}

/* Old values are at most one span off. */
static void series_at__long_ago__not_far_off(void **state)
{
	struct series s = {0};

	(void)state;
	for (uint64_t second = 1; second <= 20000; second++)
		add(&s, second);
	for (uint64_t second = 1000; second < 20000; second += 77) {
		uint64_t count = series_at(&s, second * S)->count;

		assert_true(count <= second && (second - count) * S <= 2 * s.step_ns);
	}
	series_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_at__nothing_yet__none),
		cmocka_unit_test(series_add__first__room_for_it_alone),
		cmocka_unit_test(series_add__seconds__recent_ones_exact),
		cmocka_unit_test(series_add__weeks__bounded_and_whole),
		cmocka_unit_test(series_add__rare_changes__all_kept),
		cmocka_unit_test(series_at__long_ago__not_far_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
