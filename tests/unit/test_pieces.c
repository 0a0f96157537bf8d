// SPDX-License-Identifier: GPL-2.0-or-later
/* user/heap/pieces.c, and tables of blocks that lie in it. */
#include <setjmp.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/heap/blocks.h"
#include "../../user/heap/pieces.h"
#include "../../user/heap/segment.h"

#define PIECES	   2000u /* some pages of them */
#define PAGE_BYTES (2u << 20)

/* Once it is ready. */
static void *take(struct pieces *p)
{
	void *piece;

	while (!(piece = pieces_take_huge(p)))
		sched_yield();
	return piece;
}

static void pieces_take_huge__nobody_to_ask__none(void **state)
{
	(void)state;
	assert_null(pieces_take_huge(NULL));
	assert_int_equal(pieces_idle(NULL), 0);
	pieces_free(NULL);
}

static void pieces_take_huge__many_pages__each_piece_once(void **state)
{
	struct pieces *p = pieces_new();
	static uint8_t *pieces[PIECES];

	(void)state;
	assert_non_null(p);
	assert_int_equal(pieces_idle(p), 0);
	for (uint32_t i = 0; i < PIECES; i++) {
		pieces[i] = take(p);
		assert_int_equal((uintptr_t)pieces[i] % PIECE_BYTES, 0);
		memset(pieces[i], (int)(i % 251), PIECE_BYTES);
	}
	assert_in_range(pieces_idle(p), 0, 2 * PAGE_BYTES + PIECES / 255 * PIECE_BYTES);
	for (uint32_t i = 0; i < PIECES; i++) {
		assert_int_equal(pieces[i][0], i % 251);
		assert_int_equal(pieces[i][PIECE_BYTES - 1], i % 251);
		pieces_give(p, pieces[i]);
	}
	/* what is kept: a page that is ready and some that are empty */
	assert_in_range(pieces_idle(p), PAGE_BYTES, 3 * PAGE_BYTES);
	pieces_free(p);
}

static void pieces_take_huge__after_give__the_same_again(void **state)
{
	struct pieces *p = pieces_new();
	void *piece = take(p);

	(void)state;
	pieces_give(p, piece);
	assert_ptr_equal(pieces_take_huge(p), piece);
	pieces_give(p, piece);
	pieces_free(p);
}

/* Pieces come and go in any order: what is not needed is not kept. */
static void pieces_give__in_any_order__pages_go(void **state)
{
	struct pieces *p = pieces_new();
	static void *pieces[PIECES];
	uint64_t seed = 1;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t k = (uint32_t)((seed = seed * 6364136223846793005u + 1) >> 33) % PIECES;

		if (pieces[k])
			pieces_give(p, pieces[k]);
		pieces[k] = pieces[k] ? NULL : pieces_take_huge(p);
	}
	for (uint32_t i = 0; i < PIECES; i++)
		if (pieces[i])
			pieces_give(p, pieces[i]);
	assert_in_range(pieces_idle(p), 0, 3 * PAGE_BYTES);
	pieces_free(p);
}

static void pieces_take__many__of_small_pages(void **state)
{
	struct pieces *p = pieces_new();
	static uint8_t *pieces[PIECES];

	(void)state;
	assert_null(pieces_take(NULL));
	for (uint32_t i = 0; i < PIECES; i++) {
		pieces[i] = pieces_take(p);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % PIECE_BYTES, 0);
		memset(pieces[i], (int)(i % 251), PIECE_BYTES);
	}
	assert_int_equal(pieces_idle(p), 0);
	for (uint32_t i = 0; i < PIECES; i++) {
		assert_int_equal(pieces[i][0], i % 251);
		assert_int_equal(pieces[i][PIECE_BYTES - 1], i % 251);
		pieces_give(p, pieces[i]);
	}
	pieces_free(p);
}

/* It comes again, without what was in it: its memory was gone. */
static void pieces_drop__small__memory_goes(void **state)
{
	struct pieces *p = pieces_new();
	uint8_t *kept = pieces_take(p), *piece = pieces_take(p);

	(void)state;
	memset(piece, 7, PIECE_BYTES);
	pieces_drop(p, piece);
	assert_ptr_equal(pieces_take(p), piece);
	assert_int_equal(piece[0], 0);
	assert_int_equal(piece[PIECE_BYTES - 1], 0);
	pieces_give(p, piece);
	pieces_give(p, kept);
	pieces_free(p);
}

static void pieces_drop__huge__stays_whole(void **state)
{
	struct pieces *p = pieces_new();
	uint8_t *piece = take(p);

	(void)state;
	memset(piece, 7, PIECE_BYTES);
	pieces_drop(p, piece);
	assert_ptr_equal(pieces_take_huge(p), piece);
	assert_int_equal(piece[PIECE_BYTES - 1], 7);
	pieces_give(p, piece);
	pieces_free(p);
}

static uint32_t huge_chunks(const struct blocks *b)
{
	uint32_t found = 0;

	for (size_t i = 0; i < (size_t)1 << b->depth; i++)
		found += (uint32_t)__builtin_popcount(b->segments[i]->huge);
	return found;
}

/* Blocks come and go while the table moves: all are where they should be, and in the end none is in small pages. */
static void blocks_settle__while_blocks_change__all_in_huge_pages(void **state)
{
	struct pieces *p = pieces_new();
	struct blocks b = {.seed = 7, .pieces = p};
	struct block block = {0};
	uint64_t seed = 1;

	(void)state;
	for (block.address = 1; block.address < HUGE_FROM; block.address++)
		assert_non_null(blocks_insert(&b, &block));
	blocks_settle(&b);
	assert_int_equal(huge_chunks(&b), 0);
	for (; block.address < HUGE_FROM + 20000; block.address++)
		assert_non_null(blocks_insert(&b, &block));
	assert_true(b.small_chunks > 0);
	for (uint64_t n = 0; b.small_chunks; n++) {
		uint64_t at = 1 + ((seed = seed * 6364136223846793005u + 1) >> 33) % HUGE_FROM;

		blocks_settle(&b);
		block.address = at;
		assert_int_equal(blocks_find(&b, at)->address, at);
		blocks_remove(&b, blocks_find(&b, at));
		assert_null(blocks_find(&b, at));
		assert_non_null(blocks_insert(&b, &block));
		if (n % 1000 == 0)
			assert_null(blocks_check(&b));
	}
	assert_null(blocks_check(&b));
	assert_true(huge_chunks(&b) * CHUNK_BLOCKS >= b.count);
	blocks_settle(&b);
	assert_null(blocks_check(&b));
	blocks_done(&b);
	pieces_free(p);
}

static void blocks_insert__large_table__in_huge_pages(void **state)
{
	struct pieces *p = pieces_new();
	struct blocks b = {.seed = 3, .pieces = p};
	struct block block = {0};

	(void)state;
	for (block.address = 1; block.address <= 3 * HUGE_FROM; block.address++) {
		assert_non_null(blocks_insert(&b, &block));
		if (block.address == HUGE_FROM)
			assert_int_equal(huge_chunks(&b), 0);
		/* as if it took as long as a program does */
		if (block.address > HUGE_FROM && block.address % 1024 == 0)
			pieces_give(p, take(p));
	}
	assert_true(huge_chunks(&b) * CHUNK_BLOCKS > b.count / 2);
	assert_null(blocks_check(&b));
	for (uint64_t i = 1; i <= 3 * HUGE_FROM - 1000; i++)
		blocks_remove(&b, blocks_find(&b, i));
	assert_int_equal(b.count, 1000);
	assert_null(blocks_check(&b));
	assert_int_equal(huge_chunks(&b), 0);
	assert_in_range(pieces_idle(p), 0, 3 * PAGE_BYTES);
	blocks_done(&b);
	assert_ptr_equal(b.pieces, p);
	pieces_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_take_huge__nobody_to_ask__none),
		cmocka_unit_test(pieces_take_huge__many_pages__each_piece_once),
		cmocka_unit_test(pieces_take_huge__after_give__the_same_again),
		cmocka_unit_test(pieces_give__in_any_order__pages_go),
		cmocka_unit_test(pieces_take__many__of_small_pages),
		cmocka_unit_test(pieces_drop__small__memory_goes),
		cmocka_unit_test(pieces_drop__huge__stays_whole),
		cmocka_unit_test(blocks_settle__while_blocks_change__all_in_huge_pages),
		cmocka_unit_test(blocks_insert__large_table__in_huge_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
