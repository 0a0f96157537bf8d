/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/snapshot.c and build.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/analyse/build.h"

#define S 1000000000ull

static void send(struct heap *h, uint8_t type, uint32_t process, uint64_t time_ns, uint64_t address,
		 uint64_t bytes, uint64_t stack)
{
	struct event_alloc e = {
		.h = {.time_ns = time_ns,
		      .process = process,
		      .tid = 9,
		      .size = sizeof(e),
		      .type = type,
		      .call = type == EVENT_MMAP ? CALL_ID_MMAP : CALL_ID_MALLOC},
		.address = address,
		.bytes = bytes,
		.stack = stack,
	};

	heap_apply(h, &e.h);
}

static struct heap *open_heap(void)
{
	struct heap_options options = {.generation_ns = S};
	struct heap *h = heap_new(&options);

	heap_add_process(h, 1, 100, "one", 0);
	heap_add_process(h, 2, 200, "two", 0);
	return h;
}

static const struct snapshot_site *site_with(const struct snapshot *s, uint64_t bytes)
{
	for (size_t i = 0; i < s->site_count; i++)
		if (s->sites[i].totals.outstanding_bytes == bytes)
			return &s->sites[i];
	fail_msg("no site has that many bytes");
	return NULL;
}

static void snapshot_build__empty__empty(void **state)
{
	struct heap *h = open_heap();
	struct snapshot s;

	(void)state;
	assert_int_equal(snapshot_build(&s, h, NULL, S), 0);
	assert_int_equal(s.site_count, 0);
	assert_int_equal(s.process_count, 2);
	assert_string_equal(s.processes[1].comm, "two");
	snapshot_sort(&s, SORT_COUNT, false);
	snapshot_free(&s);
	snapshot_free(&s);
	heap_free(h);
}

static void snapshot_rank__two_processes__ranks_of_each(void **state)
{
	struct heap *h = open_heap();
	struct snapshot s;

	(void)state;
	send(h, EVENT_ALLOC, 1, S, 0x10, 100, 1);
	send(h, EVENT_ALLOC, 1, S, 0x20, 300, 2);
	send(h, EVENT_ALLOC, 2, S, 0x20, 200, 1);
	send(h, EVENT_MMAP, 2, S, 0x1000, 5000, 1);
	send(h, EVENT_ALLOC, 1, S, 0x30, 7, 3);
	send(h, EVENT_FREE, 1, S, 0x30, 0, 0);
	send(h, EVENT_FREE, 1, S, 0x30, 0, 0);
	assert_int_equal(snapshot_build(&s, h, NULL, 4 * S), 0);
	assert_int_equal(s.site_count, 5);
	assert_int_equal(site_with(&s, 300)->rank, 0);
	assert_int_equal(snapshot_rank(&s), 0);
	assert_int_equal(site_with(&s, 300)->rank, 1);
	assert_int_equal(site_with(&s, 100)->rank, 2);
	assert_int_equal(site_with(&s, 0)->rank, 3);
	assert_int_equal(site_with(&s, 5000)->rank, 1);
	assert_true(site_with(&s, 5000)->range);
	assert_int_equal(site_with(&s, 200)->rank, 2);
	assert_int_equal(site_with(&s, 200)->process, 1);
	assert_true(site_with(&s, 100)->oldest_s == 3);
	assert_true(site_with(&s, 0)->oldest_s < 0);
	assert_int_equal(s.processes[0].site_count, 2);
	assert_int_equal(s.processes[0].unknown_frees, 1);
	assert_int_equal(s.processes[0].event_count, 4);
	assert_int_equal(s.processes[1].totals.outstanding_bytes, 5200);
	assert_int_equal(s.processes[1].ranges_bytes, 5000);
	assert_int_equal(s.counts[COUNTER_UNKNOWN_FREE], 1);
	snapshot_free(&s);
	heap_free(h);
}

static void snapshot_sort__each_key__largest_first(void **state)
{
	struct snapshot_site sites[3] = {
		{.site = 1, .process = 0, .growth_bytes_per_s = 5, .oldest_s = -1},
		{.site = 2, .process = 1, .growth_bytes_per_s = -5, .oldest_s = 3},
		{.site = 3,
		 .process = 0,
		 .growth_bytes_per_s = 9,
		 .oldest_s = 3,
		 .bytes_at_peak = 7},
	};
	struct snapshot s = {.sites = sites, .site_count = 3};

	(void)state;
	snapshot_sort(&s, SORT_GROWTH, false);
	assert_int_equal(sites[0].site, 3);
	assert_int_equal(sites[2].site, 2);
	snapshot_sort(&s, SORT_GROWTH, true);
	assert_int_equal(sites[0].site, 2);
	snapshot_sort(&s, SORT_OLDEST, false);
	assert_int_equal(sites[0].site, 3);
	assert_int_equal(sites[1].site, 2);
	snapshot_sort(&s, SORT_PEAK, true);
	assert_int_equal(sites[0].site, 1);
	assert_int_equal(sites[2].site, 2);
	snapshot_sort(&s, SORT_AT_PEAK, false);
	assert_int_equal(sites[0].site, 3);
}

static void sort_key_parse__names__there_and_back(void **state)
{
	enum sort_key key;

	(void)state;
	for (int i = 0; i < SORT_KEYS; i++) {
		assert_true(sort_key_parse(sort_key_name((enum sort_key)i), &key));
		assert_int_equal(key, i);
	}
	assert_false(sort_key_parse("size", &key));
	assert_false(sort_key_parse("", &key));
	assert_string_equal(verdict_name(VERDICT_LEAK), "leak");
	assert_string_equal(verdict_name(VERDICT_NEW), "new");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshot_build__empty__empty),
		cmocka_unit_test(snapshot_rank__two_processes__ranks_of_each),
		cmocka_unit_test(snapshot_sort__each_key__largest_first),
		cmocka_unit_test(sort_key_parse__names__there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
