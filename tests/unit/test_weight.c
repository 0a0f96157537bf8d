/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sampling: figures are unbiased, and a block's free takes away what its allocation added. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/heap/heap.h"

#define SEEDS  200
#define BLOCKS 20000
#define MEAN   4096

static struct heap *make(uint64_t sample_bytes)
{
	struct heap_options options = {.generation_ns = 1000000000, .sample_bytes = sample_bytes};
	struct heap *h = heap_new(&options);

	assert_non_null(h);
	assert_int_not_equal(heap_add_process(h, 1, 100, "program", 0), 0);
	return h;
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
				.stack = 7};

	heap_apply(h, &e.h);
}

static void release(struct heap *h, uint64_t time_ns, uint64_t address)
{
	struct event_free e = {.h = {.time_ns = time_ns,
				     .process = 1,
				     .tid = 1,
				     .size = sizeof(e),
				     .type = EVENT_FREE,
				     .call = CALL_ID_FREE},
			       .address = address};

	heap_apply(h, &e.h);
}

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 11;
}

/* Blocks of 16..8k bytes, each sampled with its probability. Returns the estimate divided by the truth. */
static double estimate(uint64_t seed, double *truth_counts)
{
	struct heap *h = make(MEAN);
	uint64_t state = seed * 2654435761u + 1;
	double truth = 0, ratio;

	for (uint64_t i = 0; i < BLOCKS; i++) {
		uint64_t bytes = 16 + next(&state) % 8192;
		double p = -expm1(-(double)bytes / MEAN);

		truth += (double)bytes;
		if ((double)next(&state) * 0x1p-53 < p)
			alloc(h, i + 1, (i + 1) * 64, bytes);
	}
	ratio = (double)heap_process(h, 1)->totals.outstanding_bytes / truth;
	*truth_counts = (double)heap_process(h, 1)->totals.outstanding_count / BLOCKS;
	assert_null(heap_check(h));
	heap_free(h);
	return ratio;
}

static void weight_of__200_seeds__unbiased(void **state)
{
	double bytes = 0, bytes2 = 0, counts = 0, ratio, count, error;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		ratio = estimate(seed, &count);
		bytes += ratio;
		bytes2 += ratio * ratio;
		counts += count;
	}
	bytes /= SEEDS;
	counts /= SEEDS;
	error = sqrt((bytes2 / SEEDS - bytes * bytes) / SEEDS);
	/* the mean of all seeds within four standard errors of the truth */
	assert_true(fabs(bytes - 1) < 4 * error);
	assert_true(fabs(counts - 1) < 0.02);
}

static void weight_of__all_freed__nothing_left(void **state)
{
	struct heap *h = make(MEAN);
	const struct totals *t;

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++)
		alloc(h, i, i * 64, i);
	assert_true(heap_process(h, 1)->totals.outstanding_bytes > 1000 * MEAN / 2);
	for (uint64_t i = 1; i <= 1000; i++)
		release(h, 2000 + i, i * 64);
	t = &heap_process(h, 1)->totals;
	assert_int_equal(t->outstanding_bytes, 0);
	assert_int_equal(t->outstanding_count, 0);
	assert_int_equal(t->alloc_bytes, t->free_bytes);
	assert_null(heap_check(h));
	heap_free(h);
}

static void weight_of__large_block__itself(void **state)
{
	struct heap *h = make(MEAN);

	(void)state;
	alloc(h, 1, 64, 1 << 20);
	assert_int_equal(heap_process(h, 1)->totals.outstanding_bytes, 1 << 20);
	assert_int_equal(heap_process(h, 1)->totals.outstanding_count, 1);
	heap_free(h);
}

static void weight_of__not_sampled__itself(void **state)
{
	struct heap *h = make(0);

	(void)state;
	alloc(h, 1, 64, 24);
	assert_int_equal(heap_process(h, 1)->totals.outstanding_bytes, 24);
	assert_int_equal(heap_process(h, 1)->totals.outstanding_count, 1);
	heap_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weight_of__200_seeds__unbiased),
		cmocka_unit_test(weight_of__all_freed__nothing_left),
		cmocka_unit_test(weight_of__large_block__itself),
		cmocka_unit_test(weight_of__not_sampled__itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
