/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/trend.c: series whose slopes are known, and all slopes sorted. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../user/analyse/trend.h"

static struct trend fit(const double *values, uint32_t count)
{
	double seconds[TREND_MAX];
	struct trend_grid grid;

	for (uint32_t i = 0; i < count; i++)
		seconds[i] = i;
	trend_grid_init(&grid, seconds, count);
	return trend_of(&grid, values);
}

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-6;
}

static void trend__line__its_slope(void **state)
{
	double v[20];
	struct trend t;

	(void)state;
	for (int i = 0; i < 20; i++)
		v[i] = 1e12 + 48 * i;
	t = fit(v, 20);
	assert_true(near(t.slope, 48) && near(t.low, 48) && near(t.high, 48));
	assert_true(t.p < 1e-6);
}

static void trend__wild_values__slope_of_the_others(void **state)
{
	double v[20];

	(void)state;
	for (int i = 0; i < 20; i++)
		v[i] = i % 5 ? 3 * i : 1000 * (i + 7);
	assert_true(fit(v, 20).slope > 2.9 && fit(v, 20).slope < 120);
	v[0] = v[5] = v[10] = v[15] = 1e9;
	assert_true(fit(v, 20).slope > -1e8 && fabs(fit(v, 20).slope - 3) < 3);
}

static void trend__constant_or_too_few__nothing(void **state)
{
	const double same[8] = {5, 5, 5, 5, 5, 5, 5, 5};

	(void)state;
	assert_true(fit(same, 8).slope == 0 && fit(same, 8).p == 1);
	assert_true(fit(same, 1).slope == 0 && fit(same, 0).p == 1);
}

static void trend__two_values__their_slope_without_confidence(void **state)
{
	const double v[2] = {3, 10};
	struct trend t = fit(v, 2);

	(void)state;
	assert_true(t.slope == 7 && t.p == 1);
}

/* One step in the middle: half of the pairs say nothing. */
static void trend__one_step__no_certain_slope(void **state)
{
	double v[30];

	(void)state;
	for (int i = 0; i < 30; i++)
		v[i] = i < 15 ? 100 : 1000;
	assert_true(fit(v, 30).low == 0);
}

/* Worked out on paper: S = 12, its variance 122.0000. */
static void trend__ties__corrected(void **state)
{
	const double v[10] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3};
	struct trend t = fit(v, 10);

	(void)state;
	assert_true(near(t.slope, 0.33333333));
	assert_true(near(t.low, -0.66666667) && near(t.high, 1.20000000));
	assert_true(fabs(t.p - 0.319302) < 1e-5);
}

/* Against sorting all slopes. */
static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void trend__random_values__median_of_sorted_slopes(void **state)
{
	(void)state;
	srandom(1);
	for (int round = 0; round < 300; round++) {
		uint32_t n = 2 + (uint32_t)round % (TREND_MAX - 1), k = 0;
		double v[TREND_MAX], slopes[TREND_MAX * TREND_MAX];
		struct trend t;

		for (uint32_t i = 0; i < n; i++)
			v[i] = (double)(random() % (1 + round));
		for (uint32_t j = 1; j < n; j++)
			for (uint32_t i = 0; i < j; i++)
				slopes[k++] = (v[j] - v[i]) / (j - i);
		qsort(slopes, k, sizeof(*slopes), compare);
		t = fit(v, n);
		assert_true(near(t.slope, (slopes[k / 2] + slopes[(k - 1) / 2]) / 2));
		assert_true(t.low <= t.slope && t.slope <= t.high && t.p >= 0 && t.p <= 1);
		assert_true(t.low >= slopes[0] && t.high <= slopes[k - 1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trend__line__its_slope),
		cmocka_unit_test(trend__wild_values__slope_of_the_others),
		cmocka_unit_test(trend__constant_or_too_few__nothing),
		cmocka_unit_test(trend__two_values__their_slope_without_confidence),
		cmocka_unit_test(trend__one_step__no_certain_slope),
		cmocka_unit_test(trend__ties__corrected),
		cmocka_unit_test(trend__random_values__median_of_sorted_slopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
