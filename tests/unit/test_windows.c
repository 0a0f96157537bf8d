/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/heap/windows.c: what a heap makes of events that come in windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/heap/heap.h"

static struct heap *heap;

static int set_up(void **state)
{
	(void)state;
	heap = heap_new(&(struct heap_options){.generation_ns = 1000});
	return heap_add_process(heap, 1, 100, "one", 0) == 1 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	assert_null(heap_check(heap));
	heap_free(heap);
	return 0;
}

static struct event_header header(uint64_t time_ns, uint8_t type, uint8_t call, size_t size)
{
	return (struct event_header){.time_ns = time_ns,
				     .process = 1,
				     .tid = 7,
				     .size = (uint16_t)size,
				     .type = type,
				     .call = call};
}

static void allocate(uint64_t time_ns, uint64_t address, uint64_t bytes, uint64_t stack)
{
	struct event_alloc e = {.h = header(time_ns, EVENT_ALLOC, CALL_ID_MALLOC, sizeof(e)),
				.address = address,
				.bytes = bytes,
				.stack = stack};

	heap_apply(heap, &e.h);
}

static void resize(uint64_t time_ns, uint64_t address, uint64_t bytes)
{
	struct event_alloc e = {.h = header(time_ns, EVENT_RESIZE, CALL_ID_XALLOCX, sizeof(e)),
				.address = address,
				.bytes = bytes};

	heap_apply(heap, &e.h);
}

static void give_back(uint64_t time_ns, uint64_t address)
{
	struct event_free e = {.h = header(time_ns, EVENT_FREE, CALL_ID_FREE, sizeof(e)),
			       .address = address};

	heap_apply(heap, &e.h);
}

static void map(uint64_t time_ns, uint64_t address, uint64_t bytes)
{
	struct event_alloc e = {.h = header(time_ns, EVENT_MMAP, CALL_ID_MMAP, sizeof(e)),
				.address = address,
				.bytes = bytes,
				.stack = 9};

	heap_apply(heap, &e.h);
}

static void begin(uint64_t now_ns)
{
	heap_window_begin(heap, now_ns);
	assert_null(heap_check(heap));
}

static void expect_site(uint32_t index, uint64_t outstanding, uint64_t previous, uint64_t older)
{
	const struct site *s = heap_site(heap, index);

	assert_null(heap_check(heap));
	assert_int_equal(s->totals.outstanding_bytes, outstanding);
	assert_int_equal(s->previous.bytes, previous);
	assert_int_equal(s->older.bytes, older);
}

static void window__blocks_of_three_windows__kept_apart(void **state)
{
	(void)state;
	allocate(10, 0x1000, 100, 5);
	expect_site(1, 100, 0, 0);
	begin(1000);
	expect_site(1, 100, 100, 0);
	allocate(1010, 0x2000, 20, 5);
	begin(2000);
	allocate(2010, 0x3000, 3, 5);
	expect_site(1, 123, 20, 100);
	begin(3000);
	expect_site(1, 123, 3, 120);
}

static void window__free_of_an_earlier_one__block_is_gone(void **state)
{
	(void)state;
	allocate(10, 0x1000, 100, 5);
	begin(1000);
	allocate(1010, 0x2000, 20, 5);
	begin(2000);
	give_back(2010, 0x1000);
	expect_site(1, 20, 20, 0);
	give_back(2020, 0x2000);
	expect_site(1, 0, 0, 0);
	assert_int_equal(heap_process(heap, 1)->event_count, 4);
}

/* Its free was between the windows: no sign of probes that see nothing. */
static void window__address_of_an_earlier_block__old_one_gone_without_a_note(void **state)
{
	(void)state;
	allocate(10, 0x1000, 100, 5);
	map(20, 0x10000, 4096);
	begin(1000);
	allocate(1010, 0x1000, 20, 6);
	map(1020, 0x10000, 4096);
	expect_site(1, 0, 0, 0);
	assert_int_equal(heap_counter(heap, COUNTER_REUSED_ADDRESS), 0);
	allocate(1030, 0x1000, 7, 6);
	assert_int_equal(heap_counter(heap, COUNTER_REUSED_ADDRESS), 1);
}

/* Allocated between the windows. */
static void window__unknown_frees_at_one_address__no_missed_allocation(void **state)
{
	(void)state;
	give_back(10, 0x1000);
	begin(1000);
	give_back(1010, 0x1000);
	assert_int_equal(heap_counter(heap, COUNTER_MISSED_ALLOC), 0);
	give_back(1020, 0x1000);
	assert_int_equal(heap_counter(heap, COUNTER_MISSED_ALLOC), 1);
}

static void window__last_block_of_a_thread__not_temporary_in_the_next(void **state)
{
	(void)state;
	allocate(10, 0x1000, 100, 5);
	begin(1000);
	give_back(1010, 0x1000);
	assert_int_equal(heap_process(heap, 1)->totals.temporary_count, 0);
}

static void window__old_block_resized__still_carried(void **state)
{
	(void)state;
	allocate(10, 0x1000, 100, 5);
	begin(1000);
	resize(1010, 0x1000, 150);
	expect_site(1, 150, 150, 0);
}

static void window__part_of_an_old_mapping_gone__rest_carried(void **state)
{
	struct event_range e = {.h = header(1010, EVENT_MUNMAP, CALL_ID_MUNMAP, sizeof(e)),
				.old_address = 0x11000,
				.old_bytes = 4096,
				.entry_ns = 1005};

	(void)state;
	map(10, 0x10000, 3 * 4096);
	begin(1000);
	heap_apply(heap, &e.h);
	expect_site(1, 2 * 4096, 2 * 4096, 0);
	assert_int_equal(heap_site(heap, 1)->previous.count, 2);
}

static void window__fork__child_carries_the_same(void **state)
{
	struct event_fork e = {
		.h = header(2020, EVENT_FORK, 0, sizeof(e)), .child = 2, .child_pid = 200};

	(void)state;
	allocate(10, 0x1000, 100, 5);
	begin(1000);
	allocate(1010, 0x2000, 20, 5);
	begin(2000);
	allocate(2010, 0x3000, 3, 5);
	heap_apply(heap, &e.h);
	expect_site(2, 123, 20, 100);
}

static void window__exec__nothing_is_carried(void **state)
{
	struct event_process e = {
		.h = header(1010, EVENT_EXEC, 0, sizeof(e)), .pid = 100, .comm = "two"};

	(void)state;
	allocate(10, 0x1000, 100, 5);
	begin(1000);
	heap_apply(heap, &e.h);
	expect_site(1, 0, 0, 0);
}

static void window__begins_before_what_was_applied__after_it_all_the_same(void **state)
{
	(void)state;
	allocate(5000, 0x1000, 100, 5);
	begin(1000);
	expect_site(1, 100, 100, 0);
}

static void window_sums__only_blocks_of_this_one_are_fresh(void **state)
{
	struct window_sums sums;

	(void)state;
	allocate(10, 0x1000, 100, 5);
	map(20, 0x10000, 4096);
	begin(1000);
	allocate(1010, 0x2000, 20, 5);
	allocate(1020, 0x3000, 30, 6);
	give_back(1030, 0x2000);
	give_back(1040, 0x1000);
	heap_window_sums(heap, &sums);
	assert_int_equal(sums.alloc_bytes, 100 + 4096 + 20 + 30);
	assert_int_equal(sums.alloc_count, 4);
	assert_int_equal(sums.fresh_bytes, 30);
	assert_int_equal(sums.fresh_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(window__blocks_of_three_windows__kept_apart),
		TEST(window__free_of_an_earlier_one__block_is_gone),
		TEST(window__address_of_an_earlier_block__old_one_gone_without_a_note),
		TEST(window__unknown_frees_at_one_address__no_missed_allocation),
		TEST(window__last_block_of_a_thread__not_temporary_in_the_next),
		TEST(window__old_block_resized__still_carried),
		TEST(window__part_of_an_old_mapping_gone__rest_carried),
		TEST(window__fork__child_carries_the_same),
		TEST(window__exec__nothing_is_carried),
		TEST(window__begins_before_what_was_applied__after_it_all_the_same),
		TEST(window_sums__only_blocks_of_this_one_are_fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
