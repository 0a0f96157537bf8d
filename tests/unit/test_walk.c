/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A walk over blocks in pieces, between which the table changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "../../user/heap/blocks.h"

#define KEPT  60000u   /* blocks that stay */
#define OTHER 1000000u /* addresses of the others begin here */

struct visits {
	unsigned char times[KEPT];
	uint64_t others;
};

static void count(void *context, const struct block *block)
{
	struct visits *v = context;

	if (block->address / 16 <= KEPT)
		v->times[block->address / 16 - 1]++;
	else
		v->others++;
}

static void add(struct blocks *b, uint64_t number)
{
	const struct block block = {.address = number * 16, .bytes = number};

	assert_non_null(blocks_insert(b, &block));
}

static void drop(struct blocks *b, uint64_t number)
{
	struct block *block = blocks_find(b, number * 16);

	assert_non_null(block);
	blocks_remove(b, block);
}

static struct visits *walk(struct blocks *b, void (*between)(struct blocks *b, unsigned int piece))
{
	struct visits *v = calloc(1, sizeof(*v));
	uint64_t position = 0;
	unsigned int pieces = 0;

	assert_non_null(v);
	while (blocks_walk(b, &position, count, v))
		between(b, pieces++);
	assert_null(blocks_check(b));
	return v;
}

static void expect_each_once(struct visits *v)
{
	uint32_t i;

	for (i = 0; i < KEPT; i++)
		assert_int_equal(v->times[i], 1);
	free(v);
}

static void fill(struct blocks *b, uint64_t first, uint64_t many)
{
	uint64_t i;

	for (i = 0; i < many; i++)
		add(b, first + i);
}

static void nothing(struct blocks *b, unsigned int piece)
{
	(void)b;
	(void)piece;
}

/* Splits: those that are behind, those that are to come. */
static void grow(struct blocks *b, unsigned int piece)
{
	if (piece < 40)
		fill(b, OTHER + piece * 10000, 10000);
}

/* Merges, while what stays stays. */
static void shrink(struct blocks *b, unsigned int piece)
{
	uint64_t i;

	for (i = 0; piece < 4 && i < 100000; i++)
		drop(b, OTHER + piece * 100000 + i);
}

static void blocks_walk__unchanged__each_once(void **state)
{
	struct blocks b = {.seed = 7};

	(void)state;
	fill(&b, 1, KEPT);
	expect_each_once(walk(&b, nothing));
	blocks_done(&b);
}

static void blocks_walk__table_grows__each_that_stays_once(void **state)
{
	struct blocks b = {.seed = 7};
	uint32_t depth;

	(void)state;
	fill(&b, 1, KEPT);
	depth = b.depth;
	expect_each_once(walk(&b, grow));
	assert_true(b.depth > depth);
	blocks_done(&b);
}

static void blocks_walk__table_shrinks__each_that_stays_once(void **state)
{
	struct blocks b = {.seed = 7};
	uint64_t memory;

	(void)state;
	fill(&b, 1, KEPT);
	fill(&b, OTHER, 400000);
	memory = blocks_memory(&b);
	expect_each_once(walk(&b, shrink));
	assert_true(blocks_memory(&b) < memory / 2);
	blocks_done(&b);
}

static void blocks_walk__empty__nothing(void **state)
{
	struct blocks b = {0};
	struct visits v = {.others = 0};
	uint64_t position = 0;

	(void)state;
	assert_false(blocks_walk(&b, &position, count, &v));
	assert_int_equal(v.others, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_walk__unchanged__each_once),
		cmocka_unit_test(blocks_walk__table_grows__each_that_stays_once),
		cmocka_unit_test(blocks_walk__table_shrinks__each_that_stays_once),
		cmocka_unit_test(blocks_walk__empty__nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
