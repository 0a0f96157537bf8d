/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/heap/generations.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/heap/generations.h"

#define NEWEST UINT32_MAX

static void assert_sane(const struct generations *g, uint64_t blocks)
{
	for (uint32_t i = 1; i < g->count; i++)
		assert_true(g->v[i - 1].number < g->v[i].number);
	assert_true(g->count <= g->capacity);
	assert_int_equal(generations_older(g, NEWEST), blocks);
}

static void generations_oldest__empty__none(void **state)
{
	struct generations g = {0};
	uint32_t number;

	(void)state;
	assert_false(generations_oldest(&g, &number));
	generations_gone(&g, 3);
	assert_sane(&g, 0);
	generations_done(&g);
}

static void generations_oldest__first_gone__next_one(void **state)
{
	struct generations g = {0};
	uint32_t number;

	(void)state;
	generations_born(&g, 3);
	generations_born(&g, 3);
	generations_born(&g, 7);
	assert_true(generations_oldest(&g, &number));
	assert_int_equal(number, 3);
	generations_gone(&g, 3);
	assert_true(generations_oldest(&g, &number));
	assert_int_equal(number, 3);
	generations_gone(&g, 3);
	assert_true(generations_oldest(&g, &number));
	assert_int_equal(number, 7);
	generations_gone(&g, 7);
	assert_false(generations_oldest(&g, &number));
	assert_sane(&g, 0);
	generations_done(&g);
}

static void generations_born__late__sorted_in(void **state)
{
	struct generations g = {0};

	(void)state;
	generations_born(&g, 9);
	generations_born(&g, 2);
	generations_born(&g, 5);
	assert_int_equal(generations_older(&g, 2), 0);
	assert_int_equal(generations_older(&g, 3), 1);
	assert_int_equal(generations_older(&g, 9), 2);
	assert_sane(&g, 3);
	generations_done(&g);
}

/* What is not recent any more is kept, whatever comes between. */
static void generations_born__far_apart__older_ones_stay(void **state)
{
	static const uint32_t numbers[] = {0, 3, 7, 8, 20, 1000, NEWEST - 1};
	struct generations g = {0};
	uint32_t number;

	(void)state;
	for (uint32_t i = 0; i < 7; i++) {
		assert_true(generations_born(&g, numbers[i]));
		assert_sane(&g, i + 1);
		for (uint32_t k = 0; k <= i; k++)
			assert_int_equal(generations_older(&g, numbers[k]), k);
	}
	for (uint32_t i = 0; i < 7; i++) {
		assert_true(generations_oldest(&g, &number));
		assert_int_equal(number, numbers[i]);
		generations_gone(&g, numbers[i]);
		assert_sane(&g, 6 - i);
	}
	generations_done(&g);
}

/* A death of a generation that has none takes from the nearest, older ones first. */
static void generations_gone__none_there__nearest(void **state)
{
	struct generations g = {0};
	uint32_t number;

	(void)state;
	generations_born(&g, 2);
	generations_born(&g, 100);
	generations_born(&g, 104);
	generations_gone(&g, 103);
	assert_int_equal(generations_older(&g, 104), 1);
	generations_gone(&g, 103);
	assert_true(generations_oldest(&g, &number));
	assert_int_equal(number, 104);
	generations_gone(&g, 50);
	assert_sane(&g, 0);
	generations_gone(&g, 104);
	assert_sane(&g, 0);
	generations_done(&g);
}

static void generations_born__very_many__bounded_and_oldest_exact(void **state)
{
	struct generations g = {0};
	uint32_t number;

	(void)state;
	for (uint32_t i = 10; i < 100010; i++)
		assert_true(generations_born(&g, i));
	assert_true(g.capacity <= 96);
	assert_sane(&g, 100000);
	assert_true(generations_oldest(&g, &number));
	assert_int_equal(number, 10);
	for (uint32_t n = 100010; n > 99970; n--)
		assert_int_equal(generations_older(&g, n), n - 10);
	for (uint32_t i = 10; i < 100010; i++)
		generations_gone(&g, i);
	assert_sane(&g, 0);
	generations_done(&g);
}

static void generations_random__births_and_deaths__sum_is_exact(void **state)
{
	struct generations g = {0};
	uint32_t *alive = calloc(20000, sizeof(*alive));
	uint32_t count = 0;

	(void)state;
	srand(1);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t number = i / 20 - (i > 400 ? (uint32_t)rand() % 10 : 0);

		generations_born(&g, number);
		alive[count++] = number;
		if (rand() % 3) {
			uint32_t k = (uint32_t)rand() % count;

			generations_gone(&g, alive[k]);
			alive[k] = alive[--count];
		}
	}
	assert_sane(&g, count);
	while (count)
		generations_gone(&g, alive[--count]);
	assert_sane(&g, 0);
	generations_done(&g);
	free(alive);
}

static void generations_next__old_and_recent__oldest_first_until_the_last(void **state)
{
	struct generations g = {0};
	struct generation one;
	uint32_t at = 0;
	uint64_t sum = 0, before = 0;

	(void)state;
	assert_false(generations_next(&g, &at, &one));
	for (uint32_t i = 0; i < 400; i++)
		generations_born(&g, 2 * i);
	generations_gone(&g, 798);
	for (at = 0; generations_next(&g, &at, &one); before = one.last) {
		assert_true(one.alive && (one.number > before || !sum) && one.last >= one.number);
		sum += one.alive;
	}
	assert_int_equal(sum, 399);
	assert_int_equal(before, 796);
	generations_done(&g);
}

/* Young blocks are kept elsewhere than old ones. */
static void generations_median__old_and_recent__of_the_block_in_the_middle(void **state)
{
	struct generations g = {0};

	(void)state;
	assert_int_equal(generations_median(&g), 0);
	generations_born(&g, 5);
	assert_int_equal(generations_median(&g), 5);
	generations_born(&g, 1000);
	assert_int_equal(generations_median(&g), 5);
	generations_born(&g, 1001);
	assert_int_equal(generations_median(&g), 1000);
	generations_gone(&g, 5);
	generations_gone(&g, 1000);
	assert_int_equal(generations_median(&g), 1001);
	generations_done(&g);
}

static void generations_clear__some__none_left(void **state)
{
	struct generations g = {0}, copy;

	(void)state;
	generations_born(&g, 1);
	generations_born(&g, 2);
	assert_true(generations_copy(&copy, &g));
	generations_clear(&g);
	assert_sane(&g, 0);
	assert_sane(&copy, 2);
	generations_born(&g, 5);
	assert_sane(&g, 1);
	generations_done(&g);
	generations_done(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generations_oldest__empty__none),
		cmocka_unit_test(generations_oldest__first_gone__next_one),
		cmocka_unit_test(generations_born__late__sorted_in),
		cmocka_unit_test(generations_born__far_apart__older_ones_stay),
		cmocka_unit_test(generations_gone__none_there__nearest),
		cmocka_unit_test(generations_born__very_many__bounded_and_oldest_exact),
		cmocka_unit_test(generations_random__births_and_deaths__sum_is_exact),
		cmocka_unit_test(generations_next__old_and_recent__oldest_first_until_the_last),
		cmocka_unit_test(generations_median__old_and_recent__of_the_block_in_the_middle),
		cmocka_unit_test(generations_clear__some__none_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
