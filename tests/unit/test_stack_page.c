/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way through page tables (bpf/stack_page.bpf.h) as plain C, in memory that stands for that of a machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/types.h>
#include "../../include/config.h"
#include "constant.h"

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline	__attribute__((noinline))
#define __ksym
#undef __weak
#define __weak
#define bpf_core_type_id_kernel(type) 0

struct timespec64 {
	int64_t tv_sec;
};
struct mm_struct {
	void *pgd;
};
struct task_struct {
	struct mm_struct *mm;
};

#define PAGES 64

static _Alignas(4096) uint64_t machine[PAGES][512];
static struct mm_struct own;
static struct task_struct task;
static unsigned int loads;

static struct task_struct *bpf_get_current_task_btf(void)
{
	return &task;
}

const volatile struct config config = {};

#define BPF_MAPS_H
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wredundant-decls"
#include "../../bpf/stack_page.bpf.h"
#pragma GCC diagnostic pop

/* A load that faults gives 0. */
void *bpf_rdonly_cast(const void *object, __u32 type)
{
	static uint64_t nothing;
	uintptr_t at = (uintptr_t)object, begin = (uintptr_t)machine;

	(void)type;
	nothing = 0;
	loads++;
	if (at == (uintptr_t)&own.pgd)
		return (void *)at;
	return at >= begin && at - begin < sizeof(machine) ? (void *)at : &nothing;
}

#define USER (PAGE_PRESENT | PAGE_OF_USER)
/* bits that have no part in it: written, accessed, not to be executed */
#define ENTRY(page, flags) ((page)*4096ull | (flags) | 0x62 | 1ull << 63)
#define ADDRESS		   (255ull << 39 | 3ull << 30 | 77ull << 21 | 500ull << 12 | 0x128)

/* Page 1 to 4: tables of four levels; page 9: what is at ADDRESS. */
static int setup(void **state)
{
	struct config c = {.direct_base = (uintptr_t)machine,
			   .direct_end = sizeof(machine),
			   .direct_levels = 4};

	(void)state;
	memset(machine, 0, sizeof(machine));
	set_constant(&config, &c, sizeof(c));
	own.pgd = machine[1];
	task.mm = &own;
	machine[1][255] = ENTRY(2, USER);
	machine[2][3] = ENTRY(3, USER);
	machine[3][77] = ENTRY(4, USER);
	machine[4][500] = ENTRY(9, USER);
	machine[9][0x128 / 8] = 4711;
	return 0;
}

static uint64_t word_at(uint64_t address)
{
	__u64 table = 0, page = stack_page(&table, address);

	return page ? kernel_word((void *)(page + (address & 4095))) : 0;
}

static void stack_page__four_levels__found(void **state)
{
	(void)state;
	assert_int_equal(word_at(ADDRESS), 4711);
	assert_int_equal(word_at(ADDRESS + 8), 0);
}

static void stack_page__five_levels__found(void **state)
{
	struct config c = {.direct_base = (uintptr_t)machine,
			   .direct_end = sizeof(machine),
			   .direct_levels = 5};

	(void)state;
	set_constant(&config, &c, sizeof(c));
	own.pgd = machine[5];
	machine[5][0] = ENTRY(1, USER);
	assert_int_equal(word_at(ADDRESS), 4711);
	machine[5][0] = 0;
	assert_int_equal(word_at(ADDRESS), 0);
}

static void stack_page__large_page__found(void **state)
{
	(void)state;
	/* it begins at 0 of this machine, and what is asked for is its page 12 */
	machine[3][77] = ENTRY(0, USER | PAGE_IS_LARGE | 1ull << 12);
	machine[12][1] = 815;
	assert_int_equal(word_at((ADDRESS & ~((1ull << 21) - 1)) + 12 * 4096 + 8), 815);
}

static void stack_page__not_there_or_not_the_processs__none(void **state)
{
	const size_t entry[][2] = {{1, 255}, {2, 3}, {3, 77}, {4, 500}};
	const uint64_t bits[] = {PAGE_PRESENT, PAGE_OF_USER};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 2; j++) {
			machine[entry[i][0]][entry[i][1]] ^= bits[j];
			assert_int_equal(word_at(ADDRESS), 0);
			machine[entry[i][0]][entry[i][1]] ^= bits[j];
		}
	}
	assert_int_equal(word_at(ADDRESS), 4711);
	machine[2][3] |= PAGE_IS_LARGE; /* 1 GB: no stack */
	assert_int_equal(word_at(ADDRESS), 0);
	task.mm = NULL;
	assert_int_equal(word_at(ADDRESS), 0);
}

static void stack_page__nonsense_in_the_tables__nothing_read(void **state)
{
	(void)state;
	machine[3][77] = ENTRY(1ull << 30, USER); /* no such memory */
	assert_int_equal(word_at(ADDRESS), 0);
	machine[3][77] = ~0ull;
	assert_int_equal(word_at(ADDRESS), 0);
	machine[1][255] = ~0ull;
	assert_int_equal(word_at(ADDRESS), 0);
}

static void stack_page__no_memory_but_a_device__not_read(void **state)
{
	struct config c = {
		.direct_base = (uintptr_t)machine, .direct_end = 9 * 4096, .direct_levels = 4};

	(void)state;
	set_constant(&config, &c, sizeof(c));
	assert_int_equal(word_at(ADDRESS), 0);
	machine[4][500] = ENTRY(8, USER);
	machine[8][0x128 / 8] = 42;
	assert_int_equal(word_at(ADDRESS), 42);
	machine[3][77] = ENTRY(0, USER | PAGE_IS_LARGE);
	machine[8][1] = 43;
	machine[9][1] = 44;
	assert_int_equal(word_at((ADDRESS & ~((1ull << 21) - 1)) + 8 * 4096 + 8), 43);
	assert_int_equal(word_at((ADDRESS & ~((1ull << 21) - 1)) + 9 * 4096 + 8), 0);
}

static void stack_page__encrypted_memory__the_mark_is_no_address(void **state)
{
	(void)state;
	for (size_t i = 0; i < 512; i++) {
		machine[1][i] |= machine[1][i] ? 1ull << 51 : 0;
		machine[4][i] |= machine[4][i] ? 1ull << 47 : 0;
	}
	assert_int_equal(word_at(ADDRESS), 4711);
}

static void stack_page__same_table_again__one_load(void **state)
{
	__u64 t = 0;
	uint64_t page;

	(void)state;
	machine[4][501] = ENTRY(10, USER);
	stack_page(&t, ADDRESS);
	loads = 0;
	page = stack_page(&t, ADDRESS + 4096);
	assert_int_equal(loads, 1);
	assert_int_equal(page, (uintptr_t)machine[10]);
}

static void stack_page__page_that_moved__its_new_place(void **state)
{
	__u64 t = 0;

	(void)state;
	stack_page(&t, ADDRESS);
	machine[4][500] = ENTRY(11, USER);
	assert_int_equal(stack_page(&t, ADDRESS), (uintptr_t)machine[11]);
	machine[4][500] = 0;
	assert_int_equal(stack_page(&t, ADDRESS), 0);
}

static void stack_page__small_pages_became_a_large_one__found_once_forgotten(void **state)
{
	struct config c = {.direct_base = (uintptr_t)machine, .direct_levels = 4};
	__u64 t = 0;

	(void)state;
	c.direct_end = LARGE_PAGE_BYTES;
	set_constant(&config, &c, sizeof(c));
	stack_page(&t, ADDRESS);
	/* as the kernel does it: the entries are cleared, then there is another table */
	memset(machine[4], 0, sizeof(machine[4]));
	machine[3][77] = ENTRY(0, USER | PAGE_IS_LARGE);
	assert_int_equal(stack_page(&t, ADDRESS), 0);
	t = 0;
	assert_true(stack_page(&t, ADDRESS));
	/* and back */
	machine[3][77] = ENTRY(4, USER);
	machine[4][500] = ENTRY(9, USER);
	assert_int_equal(stack_page(&t, ADDRESS), 0);
	t = 0;
	assert_int_equal(stack_page(&t, ADDRESS), (uintptr_t)machine[9]);
}

static void stack_page__address_of_another_region__its_own_table(void **state)
{
	__u64 table = 0;

	(void)state;
	assert_int_equal(stack_page(&table, ADDRESS), (uintptr_t)machine[9]);
	assert_int_equal(stack_page(&table, ADDRESS + (1ull << 21)), 0);
	assert_int_equal(table, 0);
	machine[3][78] = ENTRY(12, USER);
	machine[12][500] = ENTRY(13, USER);
	assert_int_equal(stack_page(&table, ADDRESS + (1ull << 21)), (uintptr_t)machine[13]);
	assert_int_equal(stack_page(&table, ADDRESS), (uintptr_t)machine[9]);
	/* beyond what the word has room for */
	assert_int_equal(stack_page(&table, ADDRESS | 1ull << 47), 0);
}

static void stack_page__place_not_known__never(void **state)
{
	struct config c = {0};

	(void)state;
	set_constant(&config, &c, sizeof(c));
	loads = 0;
	assert_int_equal(stack_table_find(ADDRESS), 0);
	assert_int_equal(word_at(ADDRESS), 0);
	assert_int_equal(loads, 0);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stack_page__four_levels__found),
		TEST(stack_page__five_levels__found),
		TEST(stack_page__large_page__found),
		TEST(stack_page__not_there_or_not_the_processs__none),
		TEST(stack_page__nonsense_in_the_tables__nothing_read),
		TEST(stack_page__no_memory_but_a_device__not_read),
		TEST(stack_page__encrypted_memory__the_mark_is_no_address),
		TEST(stack_page__same_table_again__one_load),
		TEST(stack_page__page_that_moved__its_new_place),
		TEST(stack_page__small_pages_became_a_large_one__found_once_forgotten),
		TEST(stack_page__address_of_another_region__its_own_table),
		TEST(stack_page__place_not_known__never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
