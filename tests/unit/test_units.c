/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/units.c and base/clock.c: what is accepted, what is printed, and that every format keeps its
 * width. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "../../user/base/clock.h"
#include "../../user/base/units.h"

static void units_parse_size__valid_texts__bytes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{"0", 0},
		{"4096", 4096},
		{"4k", 4096},
		{"4K", 4096},
		{"1m", 1048576},
		{"1M", 1048576},
		{"2G", 2147483648},
		{"007", 7},
		{"18446744073709551615", UINT64_MAX},
		{"17179869183g", 17179869183ull << 30},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t bytes = 1;

		assert_true(units_parse_size(cases[i].text, &bytes));
		assert_true(bytes == cases[i].bytes);
	}
}

static void units_parse_size__invalid_texts__false_and_untouched(void **state)
{
	static const char *const texts[] = {"",
					    "k",
					    "10q",
					    "4kk",
					    "4 k",
					    " 4",
					    "-1",
					    "+1",
					    "0x10",
					    "1.5k",
					    "18446744073709551616",
					    "4k ",
					    "17179869184G",
					    "1T",
					    "\xff"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint64_t bytes = 77;

		assert_false(units_parse_size(texts[i], &bytes));
		assert_int_equal(bytes, 77);
	}
}

static void units_parse_u64__limits__exact(void **state)
{
	uint64_t value = 5;

	(void)state;
	assert_true(units_parse_u64("18446744073709551615", &value));
	assert_true(value == UINT64_MAX);
	assert_false(units_parse_u64("18446744073709551616", &value));
	assert_false(units_parse_u64("", &value));
	assert_false(units_parse_u64("-1", &value));
	assert_false(units_parse_u64("1k", &value));
	assert_false(units_parse_u64("1 ", &value));
}

static void units_parse_double__texts__value_or_false(void **state)
{
	static const char *const bad[] = {"",
					  ".",
					  "-1",
					  "+1",
					  "1e3",
					  "inf",
					  "nan",
					  "1.2.3",
					  "1,5",
					  "0x1",
					  "12345678901234567890123456789012345678901"};
	double value = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(units_parse_double(bad[i], &value));
	assert_float_equal(value, 7, 0);
	assert_true(units_parse_double("0", &value) && value >= 0 && value <= 0);
	assert_true(units_parse_double("0.1", &value) && fabs(value - 0.1) < 1e-18);
	assert_true(units_parse_double(".5", &value) && fabs(value - 0.5) < 1e-18);
	assert_true(units_parse_double("5.", &value) && fabs(value - 5) < 1e-18);
}

static void units_bytes__values__three_digits_and_unit(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0B"},	    {1, "1B"},		{1023, "1023B"},     {1024, "1.00K"},
		{1536, "1.50K"},    {12896, "12.6K"},	{102400, "100K"},    {1023488, "0.98M"},
		{1048575, "1.00M"}, {1048576, "1.00M"}, {12897485, "12.3M"}, {UINT64_MAX, "16.0E"},
	};
	char out[9];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(units_bytes(cases[i].bytes, out, sizeof(out)), cases[i].text);
}

static void units_signed_bytes__values__sign_and_unit(void **state)
{
	char out[9];

	(void)state;
	assert_string_equal(units_signed_bytes(0, out, sizeof(out)), "0B");
	assert_string_equal(units_signed_bytes(-0.2, out, sizeof(out)), "0B");
	assert_string_equal(units_signed_bytes(2048, out, sizeof(out)), "+2.00K");
	assert_string_equal(units_signed_bytes(-2048, out, sizeof(out)), "-2.00K");
	assert_string_equal(units_signed_bytes((double)NAN, out, sizeof(out)), "-");
	assert_string_equal(units_signed_bytes(-(double)INFINITY, out, sizeof(out)), "-16.0E");
}

static void units_count__values__decimal_units(void **state)
{
	char out[9];

	(void)state;
	assert_string_equal(units_count(999, out, sizeof(out)), "999");
	assert_string_equal(units_count(1000, out, sizeof(out)), "1.00K");
	assert_string_equal(units_count(1234567, out, sizeof(out)), "1.23M");
	assert_string_equal(units_count(999999, out, sizeof(out)), "1.00M");
	assert_string_equal(units_count(UINT64_MAX, out, sizeof(out)), "18.4E");
}

static void units_formats__any_magnitude__at_most_eight_characters(void **state)
{
	char out[32];
	uint64_t v;

	(void)state;
	for (v = 1; v < UINT64_MAX / 3; v = v * 3 - v / 7) {
		assert_true(strlen(units_bytes(v, out, sizeof(out))) <= 8);
		assert_true(strlen(units_count(v, out, sizeof(out))) <= 8);
		assert_true(strlen(units_signed_bytes(-(double)v, out, sizeof(out))) <= 8);
		assert_true(strlen(units_duration((double)v, out, sizeof(out))) <= 8);
	}
}

static void units_life__short_and_long__own_units(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(units_life(0, out, sizeof(out)), "0 us");
	assert_string_equal(units_life(5.07e-6, out, sizeof(out)), "5.07 us");
	assert_string_equal(units_life(0.0123, out, sizeof(out)), "12.3 ms");
	assert_string_equal(units_life(75, out, sizeof(out)), "1m15s");
	assert_string_equal(units_life((double)NAN, out, sizeof(out)), "-");
}

static void units_duration__values__two_units(void **state)
{
	char out[9];

	(void)state;
	assert_string_equal(units_duration(-3, out, sizeof(out)), "0s");
	assert_string_equal(units_duration((double)NAN, out, sizeof(out)), "-");
	assert_string_equal(units_duration(12.9, out, sizeof(out)), "12s");
	assert_string_equal(units_duration(185, out, sizeof(out)), "3m05s");
	assert_string_equal(units_duration(7440, out, sizeof(out)), "2h04m");
	assert_string_equal(units_duration(5 * 86400 + 3 * 3600, out, sizeof(out)), "5d03h");
	assert_string_equal(units_duration((double)INFINITY, out, sizeof(out)), "999999d");
}

static void clock_format_utc__known_times__iso_with_milliseconds(void **state)
{
	char out[25];

	(void)state;
	clock_format_utc(0, out);
	assert_string_equal(out, "1970-01-01T00:00:00.000Z");
	clock_format_utc(951827696789ull * NS_PER_MS + 999999, out);
	assert_string_equal(out, "2000-02-29T12:34:56.789Z");
	clock_format_utc(UINT64_MAX, out);
	assert_int_equal(strlen(out), 24);
}

static void clock_format_local__time_zone__local_time(void **state)
{
	char out[9];

	(void)state;
	setenv("TZ", "EST5", 1);
	tzset();
	clock_format_local(951827696789ull * NS_PER_MS, out);
	assert_string_equal(out, "07:34:56");
}

static void clock_monotonic_ns__twice__does_not_go_back(void **state)
{
	uint64_t first = clock_monotonic_ns();

	(void)state;
	assert_true(first > 0);
	assert_true(clock_monotonic_ns() >= first);
	assert_true(clock_realtime_ns() > 1500000000 * NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_parse_size__valid_texts__bytes),
		cmocka_unit_test(units_parse_size__invalid_texts__false_and_untouched),
		cmocka_unit_test(units_parse_u64__limits__exact),
		cmocka_unit_test(units_parse_double__texts__value_or_false),
		cmocka_unit_test(units_bytes__values__three_digits_and_unit),
		cmocka_unit_test(units_signed_bytes__values__sign_and_unit),
		cmocka_unit_test(units_count__values__decimal_units),
		cmocka_unit_test(units_formats__any_magnitude__at_most_eight_characters),
		cmocka_unit_test(units_life__short_and_long__own_units),
		cmocka_unit_test(units_duration__values__two_units),
		cmocka_unit_test(clock_format_utc__known_times__iso_with_milliseconds),
		cmocka_unit_test(clock_format_local__time_zone__local_time),
		cmocka_unit_test(clock_monotonic_ns__twice__does_not_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
