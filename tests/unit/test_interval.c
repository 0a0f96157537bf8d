/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../user/base/interval.h"
#include "../../user/base/units.h"

/* `found` of many things, each found with the same small chance and standing for `unit`. */
static struct interval of_rare(double found, double unit)
{
	struct estimate e = {.missing = found * unit,
			     .variance = found * unit * unit,
			     .item = unit / 1000,
			     .unit = unit};

	return interval_of(&e);
}

/* The same with a chance that is not small: sums over all numbers of found ones. */
static double coverage(double truth, double chance)
{
	double covered = 0, probability;

	for (double found = 0; found <= truth; found++) {
		double missing = found * (1 - chance) / chance;
		struct estimate e = {.certain = found,
				     .missing = missing,
				     .variance = missing / chance,
				     .item = 1,
				     .unit = 1 / chance};
		struct interval i = interval_of(&e);

		probability =
			exp(lgamma(truth + 1) - lgamma(found + 1) - lgamma(truth - found + 1) +
			    found * log(chance) + (truth - found) * log(1 - chance));
		covered += i.low <= truth && truth <= i.high ? probability : 0;
	}
	return covered;
}

static void interval_of__rare_things__poisson(void **state)
{
	(void)state;
	for (double mean = 3; mean < 200; mean *= 1.03) {
		double covered = 0;

		for (double found = 0; found < 4 * mean + 30; found++) {
			struct interval i = of_rare(found, 1);

			if (i.low <= mean && mean <= i.high)
				covered += exp(found * log(mean) - mean - lgamma(found + 1));
		}
		assert_true(covered > 0.925 && covered < 0.98);
	}
}

static void interval_of__few_missing__at_least_as_often(void **state)
{
	static const double chances[] = {0.06, 0.2, 0.5, 0.8, 0.95, 0.999};

	(void)state;
	for (size_t c = 0; c < sizeof(chances) / sizeof(chances[0]); c++) {
		double sum = 0;
		int count = 0;

		for (double truth = ceil(10 / chances[c]); truth < 300; truth += 7, count++) {
			sum += coverage(truth, chances[c]);
			assert_true(coverage(truth, chances[c]) > 0.9);
		}
		assert_true(sum / count > 0.935);
	}
}

static void interval_of__nothing_found__up_to_some_units(void **state)
{
	struct interval i = of_rare(0, 1000);

	(void)state;
	assert_true(i.low == 0);
	assert_true(i.high > 3000 && i.high < 4000);
}

static void interval_of__all_seen__exact(void **state)
{
	struct estimate e = {.certain = 77};
	struct interval i = interval_of(&e);
	char text[INTERVAL_TEXT];

	(void)state;
	assert_true(i.low == 77 && i.high == 77);
	assert_string_equal(interval_text(77, i, units_bytes, text, sizeof(text)), "exact");
}

static void interval_text__narrow__percent(void **state)
{
	char text[INTERVAL_TEXT];

	(void)state;
	assert_string_equal(
		interval_text(1000, (struct interval){969, 1030}, units_bytes, text, sizeof(text)),
		"+-3.1%");
	assert_string_equal(
		interval_text(1000, (struct interval){880, 1121}, units_bytes, text, sizeof(text)),
		"+-13%");
	assert_string_equal(interval_text(1e9, (struct interval){1e9 - 1e5, 1e9 + 1e5}, units_bytes,
					  text, sizeof(text)),
			    "+-<0.1%");
}

static void interval_text__wide_or_lopsided__both_ends(void **state)
{
	char text[INTERVAL_TEXT];

	(void)state;
	assert_string_equal(
		interval_text(1000, (struct interval){400, 2500}, units_count, text, sizeof(text)),
		"400..2.50K");
	assert_string_equal(
		interval_text(4096, (struct interval){4096, 5000}, units_bytes, text, sizeof(text)),
		"4.00K..4.88K");
	assert_string_equal(
		interval_text(0, (struct interval){0, 1e300}, units_bytes, text, sizeof(text)),
		"0B..8.00E");
}

static void interval_change_text__both_signs__half_width(void **state)
{
	char text[INTERVAL_TEXT];

	(void)state;
	assert_string_equal(
		interval_change_text(-5, interval_of_change(-5, 1e6, 0), text, sizeof(text)),
		"+-1.91K");
	assert_string_equal(
		interval_change_text(0, interval_of_change(0, 0, 0), text, sizeof(text)), "+-0B");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interval_of__rare_things__poisson),
		cmocka_unit_test(interval_of__few_missing__at_least_as_often),
		cmocka_unit_test(interval_of__nothing_found__up_to_some_units),
		cmocka_unit_test(interval_of__all_seen__exact),
		cmocka_unit_test(interval_text__narrow__percent),
		cmocka_unit_test(interval_text__wide_or_lopsided__both_ends),
		cmocka_unit_test(interval_change_text__both_signs__half_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
