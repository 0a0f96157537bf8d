/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/heap/blocks.c: written cases, and random operations against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/heap/blocks.h"

static void assert_sane(const struct blocks *b)
{
	const char *wrong = blocks_check(b);

	if (wrong)
		fail_msg("%s", wrong);
}

static struct block *add(struct blocks *b, uint64_t address, uint64_t bytes)
{
	struct block block = {.address = address, .bytes = bytes, .born_ns = 1, .site = 1};

	return blocks_insert(b, &block);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void blocks_find__empty__nothing(void **state)
{
	struct blocks b = {0};
	size_t it = 0;

	(void)state;
	assert_null(blocks_find(&b, 16));
	assert_null(blocks_next(&b, &it));
	assert_int_equal(blocks_memory(&b), 0);
	assert_sane(&b);
	blocks_done(&b);
}

static void blocks_insert__one__found_with_its_fields(void **state)
{
	struct blocks b = {0};
	struct block in = {.address = 0x1000, .bytes = 7, .born_ns = 9, .site = 3, .tid = 4};

	(void)state;
	assert_non_null(blocks_insert(&b, &in));
	assert_memory_equal(blocks_find(&b, 0x1000), &in, sizeof(in));
	assert_null(blocks_find(&b, 0x1010));
	assert_null(blocks_find(&b, 0));
	assert_int_equal(b.count, 1);
	assert_sane(&b);
	blocks_done(&b);
	assert_int_equal(b.count, 0);
	assert_sane(&b);
}

static void blocks_remove__one_of_two__other_stays(void **state)
{
	struct blocks b = {0};

	(void)state;
	add(&b, 0x10, 1);
	add(&b, 0x20, 2);
	blocks_remove(&b, blocks_find(&b, 0x10));
	assert_null(blocks_find(&b, 0x10));
	assert_int_equal(blocks_find(&b, 0x20)->bytes, 2);
	assert_sane(&b);
	blocks_done(&b);
}

static void blocks_insert__after_remove__same_address_again(void **state)
{
	struct blocks b = {0};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		add(&b, 0x10, (uint64_t)i);
		assert_int_equal(blocks_find(&b, 0x10)->bytes, i);
		blocks_remove(&b, blocks_find(&b, 0x10));
	}
	assert_int_equal(b.count, 0);
	assert_sane(&b);
	blocks_done(&b);
}

static void blocks_insert__aligned_addresses__at_most_40_bytes_a_block(void **state)
{
	static const uint64_t steps[] = {16, 32, 4096, 1 << 20};

	(void)state;
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		struct blocks b = {.seed = s};

		for (uint64_t i = 1; i <= 100000; i++) {
			add(&b, 0x7f0000000000 + i * steps[s], i);
			if (i >= 10000 && i % 997 == 0)
				assert_true(blocks_memory(&b) <= i * 40);
		}
		for (uint64_t i = 1; i <= 100000; i++)
			assert_int_equal(blocks_find(&b, 0x7f0000000000 + i * steps[s])->bytes, i);
		assert_sane(&b);
		blocks_done(&b);
	}
}

static void blocks_remove__nearly_all__memory_shrinks(void **state)
{
	struct blocks b = {0};
	size_t full;

	(void)state;
	for (uint64_t i = 1; i <= 200000; i++)
		add(&b, i * 16, i);
	full = blocks_memory(&b);
	for (uint64_t i = 1; i <= 199900; i++)
		blocks_remove(&b, blocks_find(&b, i * 16));
	assert_true(blocks_memory(&b) < full / 50);
	for (uint64_t i = 199901; i <= 200000; i++)
		assert_int_equal(blocks_find(&b, i * 16)->bytes, i);
	assert_sane(&b);
	blocks_done(&b);
}

static void blocks_next__many__each_once(void **state)
{
	struct blocks b = {0};
	uint8_t *seen = calloc(50001, 1);
	struct block *block;
	size_t count = 0;

	(void)state;
	for (uint64_t i = 1; i <= 50000; i++)
		add(&b, i * 16, i);
	for (size_t it = 0; (block = blocks_next(&b, &it)); count++) {
		assert_int_equal(seen[block->bytes], 0);
		seen[block->bytes] = 1;
	}
	assert_int_equal(count, 50000);
	blocks_done(&b);
	free(seen);
}

static void blocks_next__any_number__none_in_two_cache_lines(void **state)
{
	struct blocks b = {0};
	struct block *block;

	(void)state;
	for (uint64_t i = 1; i <= 30000; i++) {
		add(&b, i * 16, i);
		if (i > 300 && i % 5000)
			continue;
		for (size_t it = 0; (block = blocks_next(&b, &it));)
			assert_int_equal((uintptr_t)block % sizeof(*block), 0);
	}
	blocks_done(&b);
}

static void blocks_copy__many__same_and_independent(void **state)
{
	struct blocks b = {.seed = 5}, copy = {0}, none = {0}, none_copy = {0};

	(void)state;
	for (uint64_t i = 1; i <= 50000; i++)
		add(&b, i * 16, i);
	assert_int_equal(blocks_copy(&copy, &b), 0);
	assert_int_equal(copy.count, b.count);
	for (uint64_t i = 1; i <= 50000; i++)
		blocks_remove(&b, blocks_find(&b, i * 16));
	for (uint64_t i = 1; i <= 50000; i++)
		assert_int_equal(blocks_find(&copy, i * 16)->bytes, i);
	assert_sane(&copy);
	assert_int_equal(blocks_copy(&none_copy, &none), 0);
	assert_sane(&none_copy);
	blocks_done(&b);
	blocks_done(&copy);
	blocks_done(&none_copy);
}

#define MODEL_ADDRESSES 60000u

static void model_step(struct blocks *b, uint64_t *model, uint64_t random, unsigned keep)
{
	uint64_t i = (random >> 8) % MODEL_ADDRESSES, address = (i + 1) * 16;
	struct block *block = blocks_find(b, address);

	assert_int_equal(block ? block->bytes : 0, model[i]);
	if (block && random % 100 >= keep) {
		blocks_remove(b, block);
		model[i] = 0;
	} else if (!block && random % 100 < keep) {
		model[i] = random | 1;
		assert_non_null(add(b, address, model[i]));
	}
}

/* Fills, empties and fills again, so that segments split, shrink and merge. */
static void blocks_random__against_array__same(void **state)
{
	static const unsigned keeps[] = {95, 50, 3, 80, 1};
	uint64_t *model = calloc(MODEL_ADDRESSES, sizeof(*model));
	uint64_t random = 88172645463325252ull, live = 0;
	struct blocks b = {.seed = 12345};

	(void)state;
	for (size_t phase = 0; phase < sizeof(keeps) / sizeof(keeps[0]); phase++) {
		for (int i = 0; i < 120000; i++) {
			model_step(&b, model, next_random(&random), keeps[phase]);
			if (i % 20000 == 0)
				assert_sane(&b);
		}
		assert_sane(&b);
	}
	for (uint64_t i = 0; i < MODEL_ADDRESSES; i++)
		live += model[i] != 0;
	assert_int_equal(live, b.count);
	blocks_done(&b);
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_find__empty__nothing),
		cmocka_unit_test(blocks_insert__one__found_with_its_fields),
		cmocka_unit_test(blocks_remove__one_of_two__other_stays),
		cmocka_unit_test(blocks_insert__after_remove__same_address_again),
		cmocka_unit_test(blocks_insert__aligned_addresses__at_most_40_bytes_a_block),
		cmocka_unit_test(blocks_remove__nearly_all__memory_shrinks),
		cmocka_unit_test(blocks_next__many__each_once),
		cmocka_unit_test(blocks_next__any_number__none_in_two_cache_lines),
		cmocka_unit_test(blocks_copy__many__same_and_independent),
		cmocka_unit_test(blocks_random__against_array__same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
