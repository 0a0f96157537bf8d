/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sampler of the BPF side, compiled as plain C with random numbers that are the same in every
 * run: what it draws has the distribution that user space scales by. Bounds are in standard errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "sample_world.h"

#define DRAWS 200000

/* One plus the whole part of an exponential number: geometric. */
static double geometric_mean(double mean)
{
	return -1 / expm1(-1 / mean);
}

static void sample_distance__all_means__as_asked(void **state)
{
	static const uint64_t means[] = {1,	2,	 15,	     16,	 31,	    1000,
					 65536, 1000003, 1ull << 30, 1ull << 40, 1ull << 56};

	(void)state;
	for (size_t i = 0; i < sizeof(means) / sizeof(means[0]); i++) {
		double sum = 0, mean = (double)means[i];

		sample_setup(means[i], 7 + i);
		for (int n = 0; n < DRAWS; n++)
			sum += (double)sample_distance();
		assert_true(fabs(sum / DRAWS - geometric_mean(mean)) < 4 * mean / sqrt(DRAWS));
	}
}

static void sample_distance__tenths_of_the_distribution__equally_often(void **state)
{
	const double mean = 65536;
	int bins[10] = {0};

	(void)state;
	sample_setup(65536, 11);
	for (int n = 0; n < DRAWS; n++) {
		double below = -expm1(-((double)sample_distance() - 0.5) / mean);

		bins[(int)(below * 10)]++;
	}
	for (int i = 0; i < 10; i++)
		assert_true(fabs(bins[i] - DRAWS / 10.0) < 4 * sqrt(DRAWS * 0.09));
}

/* Sizes take turns, so that what is left over of one is used by the next. */
static void sample_wanted__sizes_in_turn__each_with_its_probability(void **state)
{
	static const uint64_t sizes[] = {0, 1, 48, 1000, 4096, 20000, 1ull << 40};
	const size_t count = sizeof(sizes) / sizeof(sizes[0]);
	const double mean = 4096;
	__u64 left = 0;
	int taken[7] = {0};

	(void)state;
	sample_setup(4096, 13);
	for (int n = 0; n < DRAWS; n++)
		for (size_t i = 0; i < count; i++)
			taken[i] += sample_wanted(&left, sizes[i]);
	for (size_t i = 0; i < count; i++) {
		double p = -expm1(-(double)(sizes[i] ? sizes[i] : 1) / mean);

		assert_true(fabs(taken[i] - DRAWS * p) <= 4 * sqrt(DRAWS * p * (1 - p)));
	}
}

/* That one was taken says nothing about the next. */
static void sample_wanted__one_after_the_other__independent(void **state)
{
	__u64 left = 0;
	double p = -expm1(-0.5), both = 0;
	bool last = false;

	(void)state;
	sample_setup(4096, 17);
	for (int n = 0; n < DRAWS; n++) {
		bool taken = sample_wanted(&left, 2048);

		both += taken && last;
		last = taken;
	}
	assert_true(fabs(both - DRAWS * p * p) < 4 * sqrt(DRAWS * p * p * (1 - p * p)));
}

/* Also the first draw of a processor is one. */
static void sample_wanted__first_of_many_processors__with_its_probability(void **state)
{
	double p = -expm1(-1000.0 / 4096);
	int taken = 0;

	(void)state;
	sample_setup(4096, 19);
	for (int n = 0; n < DRAWS; n++) {
		__u64 left = 0;

		taken += sample_wanted(&left, 1000);
	}
	assert_true(fabs(taken - DRAWS * p) < 4 * sqrt(DRAWS * p * (1 - p)));
}

/* A thread is preempted between reading what is left and writing it back: what others have drawn meanwhile is undone. */
static void sample_wanted__preempted_each_time__with_its_probability(void **state)
{
	double p = -expm1(-1000.0 / 4096), q = -expm1(-3000.0 / 4096);
	int taken = 0, others = 0;
	__u64 left = 0, read;

	(void)state;
	sample_setup(4096, 29);
	for (int n = 0; n < DRAWS; n++) {
		read = left;
		others += sample_wanted(&left, 3000);
		left = read;
		taken += sample_wanted(&left, 1000);
	}
	assert_true(fabs(taken - DRAWS * p) < 4 * sqrt(DRAWS * p * (1 - p)));
	/* of several that have seen the same distance all were taken or none */
	assert_true(fabs(others - DRAWS * q) < 8 * sqrt(DRAWS * q * (1 - q)));
}

static void sample_wanted__not_sampled__always(void **state)
{
	__u64 left = 0;

	(void)state;
	sample_setup(0, 23);
	assert_true(sample_wanted(&left, 0));
	assert_true(sample_wanted(&left, 1));
	assert_int_equal(left, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_distance__all_means__as_asked),
		cmocka_unit_test(sample_distance__tenths_of_the_distribution__equally_often),
		cmocka_unit_test(sample_wanted__sizes_in_turn__each_with_its_probability),
		cmocka_unit_test(sample_wanted__one_after_the_other__independent),
		cmocka_unit_test(sample_wanted__first_of_many_processors__with_its_probability),
		cmocka_unit_test(sample_wanted__preempted_each_time__with_its_probability),
		cmocka_unit_test(sample_wanted__not_sampled__always),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
