/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of the arena, taken and given back in every order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include "../../user/probe/unwind_room.h"

static void assert_sane(const struct unwind_room *r)
{
	size_t i;

	for (i = 0; i < r->count; i++) {
		assert_true(r->free[i].count > 0);
		if (i)
			assert_true(r->free[i - 1].start + r->free[i - 1].count < r->free[i].start);
	}
}

static void unwind_room__empty__nothing(void **state)
{
	struct unwind_room r = {0};

	(void)state;
	assert_int_equal(unwind_room_take(&r, 1, 1), 0);
	unwind_room_give(&r, 5, 0);
	assert_int_equal(r.count, 0);
	unwind_room_done(&r);
}

static void unwind_room__first_that_fits__with_alignment(void **state)
{
	struct unwind_room r = {0};

	(void)state;
	unwind_room_give(&r, 1, 99);
	assert_int_equal(unwind_room_take(&r, 8, 4), 4);
	assert_int_equal(unwind_room_take(&r, 3, 1), 1);
	assert_int_equal(unwind_room_take(&r, 89, 1), 0);
	assert_int_equal(unwind_room_take(&r, 88, 1), 12);
	assert_int_equal(r.count, 0);
	unwind_room_done(&r);
}

static void unwind_room__neighbours__become_one(void **state)
{
	struct unwind_room r = {0};

	(void)state;
	unwind_room_give(&r, 10, 10);
	unwind_room_give(&r, 30, 10);
	unwind_room_give(&r, 20, 10);
	assert_int_equal(r.count, 1);
	assert_int_equal(unwind_room_take(&r, 30, 1), 10);
	unwind_room_done(&r);
}

#define WORDS 4000

static void unwind_room__random_order__no_word_twice_and_none_lost(void **state)
{
	static bool used[WORDS + 1];
	struct unwind_room_range held[200] = {{0, 0}};
	struct unwind_room r = {0};
	uint64_t random = 88172645463325252ull;
	uint32_t k, at;
	int i;

	(void)state;
	unwind_room_give(&r, 1, WORDS);
	for (i = 0; i < 20000; i++) {
		struct unwind_room_range *h;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		h = &held[random % 200];
		for (k = 0; k < h->count; k++)
			used[h->start + k] = false;
		unwind_room_give(&r, h->start, h->count);
		*h = (struct unwind_room_range){0, 0};
		at = unwind_room_take(&r, (uint32_t)(random >> 32) % 60 + 1, 1 + random % 4);
		if (at) {
			assert_int_equal(at % (1 + random % 4), 0);
			*h = (struct unwind_room_range){at, (uint32_t)(random >> 32) % 60 + 1};
			for (k = 0; k < h->count; k++) {
				assert_true(at + k <= WORDS && !used[at + k]);
				used[at + k] = true;
			}
		}
		assert_sane(&r);
	}
	for (i = 0; i < 200; i++)
		unwind_room_give(&r, held[i].start, held[i].count);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.free[0].count, WORDS);
	unwind_room_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unwind_room__empty__nothing),
		cmocka_unit_test(unwind_room__first_that_fits__with_alignment),
		cmocka_unit_test(unwind_room__neighbours__become_one),
		cmocka_unit_test(unwind_room__random_order__no_word_twice_and_none_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
