// SPDX-License-Identifier: GPL-2.0-or-later
/* user/heap/huge.c, and tables of blocks that lie in it. */
#include <setjmp.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/heap/blocks.h"
#include "../../user/heap/huge.h"
#include "../../user/heap/segment.h"

#define PIECES	   2000u /* some pages of them */
#define PAGE_BYTES (2u << 20)

/* Once it is ready. */
static void *take(struct huge *h)
{
	void *piece;

	while (!(piece = huge_take(h)))
		sched_yield();
	return piece;
}

static void huge_take__nobody_to_ask__none(void **state)
{
	(void)state;
	assert_null(huge_take(NULL));
	assert_int_equal(huge_idle(NULL), 0);
	huge_free(NULL);
}

static void huge_take__many_pages__each_piece_once(void **state)
{
	struct huge *h = huge_new();
	static uint8_t *pieces[PIECES];

	(void)state;
	assert_non_null(h);
	assert_int_equal(huge_idle(h), 0);
	for (uint32_t i = 0; i < PIECES; i++) {
		pieces[i] = take(h);
		assert_int_equal((uintptr_t)pieces[i] % HUGE_PIECE_BYTES, 0);
		memset(pieces[i], (int)(i % 251), HUGE_PIECE_BYTES);
	}
	assert_in_range(huge_idle(h), 0, 2 * PAGE_BYTES + PIECES / 255 * HUGE_PIECE_BYTES);
	for (uint32_t i = 0; i < PIECES; i++) {
		assert_int_equal(pieces[i][0], i % 251);
		assert_int_equal(pieces[i][HUGE_PIECE_BYTES - 1], i % 251);
		huge_give(h, pieces[i]);
	}
	/* what is kept: a page that is ready and some that are empty */
	assert_in_range(huge_idle(h), PAGE_BYTES, 3 * PAGE_BYTES);
	huge_free(h);
}

static void huge_take__after_give__the_same_again(void **state)
{
	struct huge *h = huge_new();
	void *piece = take(h);

	(void)state;
	huge_give(h, piece);
	assert_ptr_equal(huge_take(h), piece);
	huge_give(h, piece);
	huge_free(h);
}

/* Pieces come and go in any order: what is not needed is not kept. */
static void huge_give__in_any_order__pages_go(void **state)
{
	struct huge *h = huge_new();
	static void *pieces[PIECES];
	uint64_t seed = 1;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t k = (uint32_t)((seed = seed * 6364136223846793005u + 1) >> 33) % PIECES;

		if (pieces[k])
			huge_give(h, pieces[k]);
		pieces[k] = pieces[k] ? NULL : huge_take(h);
	}
	for (uint32_t i = 0; i < PIECES; i++)
		if (pieces[i])
			huge_give(h, pieces[i]);
	assert_in_range(huge_idle(h), 0, 3 * PAGE_BYTES);
	huge_free(h);
}

static uint32_t huge_chunks(const struct blocks *b)
{
	uint32_t found = 0;

	for (size_t i = 0; i < (size_t)1 << b->depth; i++)
		found += (uint32_t)__builtin_popcount(b->segments[i]->huge);
	return found;
}

static void blocks_insert__large_table__in_huge_pages(void **state)
{
	struct huge *h = huge_new();
	struct blocks b = {.seed = 3, .huge = h};
	struct block block = {0};

	(void)state;
	for (block.address = 1; block.address <= 3 * HUGE_FROM; block.address++) {
		assert_non_null(blocks_insert(&b, &block));
		if (block.address == HUGE_FROM)
			assert_int_equal(huge_chunks(&b), 0);
		/* as if it took as long as a program does */
		if (block.address > HUGE_FROM && block.address % 1024 == 0)
			huge_give(h, take(h));
	}
	assert_true(huge_chunks(&b) * CHUNK_BLOCKS > b.count / 2);
	assert_null(blocks_check(&b));
	for (uint64_t i = 1; i <= 3 * HUGE_FROM - 1000; i++)
		blocks_remove(&b, blocks_find(&b, i));
	assert_int_equal(b.count, 1000);
	assert_null(blocks_check(&b));
	assert_int_equal(huge_chunks(&b), 0);
	assert_in_range(huge_idle(h), 0, 3 * PAGE_BYTES);
	blocks_done(&b);
	assert_ptr_equal(b.huge, h);
	huge_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(huge_take__nobody_to_ask__none),
		cmocka_unit_test(huge_take__many_pages__each_piece_once),
		cmocka_unit_test(huge_take__after_give__the_same_again),
		cmocka_unit_test(huge_give__in_any_order__pages_go),
		cmocka_unit_test(blocks_insert__large_table__in_huge_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
