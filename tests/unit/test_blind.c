/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is blind, and above all who is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "../../user/analyse/blind.h"

#define MB ((uint64_t)1 << 20)

static enum blind find(struct blind_facts f)
{
	return blind_find(&f);
}

static void blind_find__leak_that_never_frees__not_blind(void **state)
{
	(void)state;
	assert_int_equal(find((struct blind_facts){.allocs = 5000000, .growth_bytes = 900 * MB}),
			 BLIND_NOT);
	/* the same, never touched: the resident memory stays */
	assert_int_equal(find((struct blind_facts){.allocs = 5000000}), BLIND_NOT);
}

static void blind_find__idle_or_only_frees__not_blind(void **state)
{
	(void)state;
	assert_int_equal(find((struct blind_facts){0}), BLIND_NOT);
	assert_int_equal(find((struct blind_facts){.growth_bytes = 16 * MB - 1}), BLIND_NOT);
}

static void blind_find__growth_without_allocation__all(void **state)
{
	(void)state;
	assert_int_equal(find((struct blind_facts){.growth_bytes = 16 * MB}), BLIND_ALL);
	assert_int_equal(find((struct blind_facts){.growth_bytes = 64 * MB, .allocs = 1}),
			 BLIND_NOT);
}

static void blind_find__growth_that_mappings_explain__not_blind(void **state)
{
	struct blind_facts f = {.growth_bytes = 64 * MB, .ranges_bytes = 60 * MB};

	(void)state;
	assert_int_equal(blind_find(&f), BLIND_NOT);
	f.ranges_bytes = 48 * MB;
	assert_int_equal(blind_find(&f), BLIND_ALL);
	f.ranges_bytes = UINT64_MAX;
	assert_int_equal(blind_find(&f), BLIND_NOT);
}

static void blind_find__sampled_thinly__needs_more_growth(void **state)
{
	struct blind_facts f = {.growth_bytes = 64 * MB, .sample_bytes = 4 * MB};

	(void)state;
	assert_int_equal(blind_find(&f), BLIND_NOT);
	f.growth_bytes = 80 * MB;
	assert_int_equal(blind_find(&f), BLIND_ALL);
	f.sample_bytes = 1024;
	f.growth_bytes = 16 * MB;
	assert_int_equal(blind_find(&f), BLIND_ALL);
}

static void blind_find__filtered__never(void **state)
{
	struct blind_facts f = {.filtered = true,
				.growth_bytes = 900 * MB,
				.missed_allocs = 100000,
				.reused = 100000};

	(void)state;
	assert_int_equal(blind_find(&f), BLIND_NOT);
	f.filtered = false;
	assert_int_equal(blind_find(&f), BLIND_ALLOCATIONS);
}

static void blind_find__freed_again_and_again__allocations(void **state)
{
	struct blind_facts f = {.missed_allocs = 100};

	(void)state;
	assert_int_equal(blind_find(&f), BLIND_ALLOCATIONS);
	f.missed_allocs = 99;
	assert_int_equal(blind_find(&f), BLIND_NOT);
	f.missed_allocs = 100;
	f.sample_bytes = 4096;
	assert_int_equal(blind_find(&f), BLIND_NOT);
}

static void blind_find__handed_out_again_and_again__frees(void **state)
{
	(void)state;
	assert_int_equal(find((struct blind_facts){.allocs = 1000, .reused = 900}), BLIND_FREES);
	assert_int_equal(find((struct blind_facts){.allocs = 1000, .reused = 99}), BLIND_NOT);
}

/* A few late events among millions are no blindness, and what was lost is no news. */
static void blind_find__few_among_many_or_lost__not_blind(void **state)
{
	(void)state;
	assert_int_equal(find((struct blind_facts){.allocs = 1000000, .reused = 5000}), BLIND_NOT);
	assert_int_equal(find((struct blind_facts){.allocs = 1000000, .missed_allocs = 5000}),
			 BLIND_NOT);
	assert_int_equal(find((struct blind_facts){.allocs = 1000, .reused = 900, .lost = 850}),
			 BLIND_NOT);
	assert_int_equal(
		find((struct blind_facts){.allocs = 1000, .reused = 900, .lost = UINT64_MAX}),
		BLIND_NOT);
}

/* Each free is followed by that of the layer below, of which no allocation is seen. */
static void blind_find__frees_of_a_layer_below__not_blind(void **state)
{
	struct blind_facts f = {.allocs = 5000, .missed_allocs = 4000, .frees = 8000, .layers = 2};

	(void)state;
	assert_int_equal(blind_find(&f), BLIND_NOT);
	f.layers = 1;
	assert_int_equal(blind_find(&f), BLIND_ALLOCATIONS);
	f.layers = 3;
	f.frees = 6000;
	assert_int_equal(blind_find(&f), BLIND_NOT);
	/* more than the upper layer explains */
	f.layers = 2;
	assert_int_equal(blind_find(&f), BLIND_ALLOCATIONS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blind_find__leak_that_never_frees__not_blind),
		cmocka_unit_test(blind_find__idle_or_only_frees__not_blind),
		cmocka_unit_test(blind_find__growth_without_allocation__all),
		cmocka_unit_test(blind_find__growth_that_mappings_explain__not_blind),
		cmocka_unit_test(blind_find__sampled_thinly__needs_more_growth),
		cmocka_unit_test(blind_find__filtered__never),
		cmocka_unit_test(blind_find__freed_again_and_again__allocations),
		cmocka_unit_test(blind_find__handed_out_again_and_again__frees),
		cmocka_unit_test(blind_find__few_among_many_or_lost__not_blind),
		cmocka_unit_test(blind_find__frees_of_a_layer_below__not_blind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
