// SPDX-License-Identifier: GPL-2.0-or-later
/* bpf/recorded.bpf.h as plain C: whatever comes and goes, no block that is recorded is taken for one that is not. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "../../include/config.h"
#include "../../include/counters.h"
#include "constant.h"

#define __uint(name, value)  int(*name)[value]
#define __type(name, value)  __typeof__(value) *name
#define __array(name, value) __typeof__(value) *name[]
#define SEC(name)
#define __noinline __attribute__((noinline))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

#define BLOCKS 200000

static void *fake_lookup(const void *map, const void *key);
static long fake_update(const void *key);
static long fake_delete(const void *key);

#define bpf_map_lookup_elem		       fake_lookup
#define bpf_map_update_elem(map, key, v, flag) ((void)(v), fake_update(key))
#define bpf_map_delete_elem(map, key)	       fake_delete(key)
#define bpf_get_current_pid_tgid()	       (77ull << 32)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wunused-function"
#include "../../bpf/maps.bpf.h"
#include "../../bpf/recorded.bpf.h"
#pragma GCC diagnostic pop

static uint32_t hints[RECORDED_HINTS];
static bool there[BLOCKS];
static uint8_t one;
static const struct thread thread;

static uint64_t address_of(uint32_t block)
{
	return 0x7f0000000000 + block * 48ull;
}

static bool *entry(const void *key)
{
	struct recorded_key k;

	memcpy(&k, key, sizeof(k));
	return &there[(k.address - address_of(0)) / 48];
}

static void *fake_lookup(const void *map, const void *key)
{
	uint32_t index;

	if (map == (const void *)&recorded)
		return *entry(key) ? &one : NULL;
	if (map != (const void *)&recorded_hints)
		return NULL;
	memcpy(&index, key, sizeof(index));
	return &hints[index];
}

static long fake_update(const void *key)
{
	if (*entry(key))
		return -EEXIST;
	*entry(key) = true;
	return 0;
}

static long fake_delete(const void *key)
{
	if (!*entry(key))
		return -ENOENT;
	*entry(key) = false;
	return 0;
}

static int setup(void **state)
{
	const struct config selective = {.selective = 1};

	(void)state;
	set_constant(&config, &selective, sizeof(selective));
	memset(hints, 0, sizeof(hints));
	memset(there, 0, sizeof(there));
	memset(recorded_few, 0, sizeof(recorded_few));
	recorded_full = 0;
	return 0;
}

/* Of the blocks that are not recorded, how many may be. All that are recorded are found. */
static uint32_t wrong_hits(uint32_t blocks)
{
	uint32_t found = 0, i;

	for (i = 0; i < blocks; i++) {
		bool maybe = recorded_maybe(address_of(i));

		if (there[i])
			assert_true(maybe && recorded_has(&thread, address_of(i)));
		found += maybe && !there[i];
	}
	return found;
}

static void add(uint32_t first, uint32_t step)
{
	for (; first < BLOCKS; first += step)
		recorded_add(&thread, address_of(first));
}

static void remove_from(uint32_t first, uint32_t step)
{
	for (; first < BLOCKS; first += step)
		recorded_gone(&thread, address_of(first));
}

static void recorded_maybe__few_blocks__hardly_any_other(void **state)
{
	(void)state;
	add(7, 200);
	assert_true(wrong_hits(BLOCKS) < BLOCKS / 100);
	remove_from(7, 200);
	assert_int_equal(wrong_hits(BLOCKS), 0);
	assert_false(recorded_full);
}

static void recorded_maybe__many_come_and_go__all_found(void **state)
{
	uint32_t turn;

	(void)state;
	for (turn = 0; turn < 3; turn++) {
		add(0, 1);
		wrong_hits(BLOCKS);
		remove_from(turn, 8);
		wrong_hits(BLOCKS);
		remove_from(0, 1);
		assert_int_equal(wrong_hits(BLOCKS), 0);
	}
	assert_false(recorded_full);
}

static void recorded_add__same_address_twice__gone_once(void **state)
{
	(void)state;
	recorded_add(&thread, address_of(3));
	recorded_add(&thread, address_of(3));
	assert_int_equal(wrong_hits(10), 0);
	recorded_gone(&thread, address_of(3));
	assert_false(recorded_maybe(address_of(3)));
	recorded_gone(&thread, address_of(3));
	assert_false(recorded_maybe(address_of(3)));
}

/* A small count that has come to its largest value stays there, and the large ones tell. */
static void recorded_maybe__small_count_full__large_one_tells(void **state)
{
	const uint64_t hash = recorded_hash(address_of(5));

	(void)state;
	*few_word(hash) = FEW_MOST << few_shift(hash);
	recorded_add(&thread, address_of(5));
	assert_true(recorded_maybe(address_of(5)));
	recorded_gone(&thread, address_of(5));
	assert_false(recorded_maybe(address_of(5)));
	assert_int_equal(*few_word(hash), FEW_MOST << few_shift(hash));
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(recorded_maybe__few_blocks__hardly_any_other),
		TEST(recorded_maybe__many_come_and_go__all_found),
		TEST(recorded_add__same_address_twice__gone_once),
		TEST(recorded_maybe__small_count_full__large_one_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
