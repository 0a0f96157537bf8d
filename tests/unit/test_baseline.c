/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/baseline.c, over a real heap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/analyse/build.h"

#define S 1000000000ull

static void send(struct heap *h, uint8_t type, uint32_t process, uint64_t address, uint64_t bytes,
		 uint64_t stack)
{
	static uint64_t time_ns = S;
	struct event_alloc e = {
		.h = {.time_ns = time_ns++,
		      .process = process,
		      .tid = 9,
		      .size = sizeof(e),
		      .type = type,
		      .call = CALL_ID_MALLOC},
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
	return h;
}

static struct snapshot take(struct heap *h)
{
	struct snapshot s;

	assert_int_equal(snapshot_build(&s, h, NULL, 9 * S), 0);
	return s;
}

static const struct change *change_of(const struct snapshot *s, uint32_t site)
{
	for (size_t i = 0; i < s->site_count; i++) {
		if (s->sites[i].site == site)
			return s->sites[i].change;
	}
	fail_msg("no site %u", site);
	return NULL;
}

/* Rows add up to their process, whatever was folded. */
static void assert_sane(const struct snapshot *s)
{
	for (size_t p = 0; p < s->process_count; p++) {
		int64_t bytes = 0, count = 0, allocs = 0;

		for (size_t i = 0; i < s->site_count; i++) {
			if (s->sites[i].process != p)
				continue;
			bytes += s->sites[i].change->outstanding_bytes;
			count += s->sites[i].change->outstanding_count;
			allocs += s->sites[i].change->alloc_count;
		}
		assert_int_equal(bytes, s->processes[p].change->outstanding_bytes);
		assert_int_equal(count, s->processes[p].change->outstanding_count);
		assert_int_equal(allocs, s->processes[p].change->alloc_count);
	}
}

static void baseline_apply__none_taken__no_changes(void **state)
{
	struct heap *h = open_heap();
	struct baseline b = {0};
	struct snapshot s;

	(void)state;
	send(h, EVENT_ALLOC, 1, 0x10, 100, 1);
	s = take(h);
	assert_int_equal(baseline_apply(&b, &s, NULL, 0), 0);
	assert_null(s.sites[0].change);
	assert_null(s.processes[0].change);
	snapshot_free(&s);
	heap_free(h);
}

static void baseline_apply__more_less_and_new__signed(void **state)
{
	struct heap *h = open_heap();
	struct baseline b = {0};
	struct snapshot s;

	(void)state;
	send(h, EVENT_ALLOC, 1, 0x10, 100, 1);
	send(h, EVENT_ALLOC, 1, 0x20, 1000, 2);
	send(h, EVENT_ALLOC, 1, 0x30, 1000, 2);
	s = take(h);
	s.elapsed_s = 7;
	assert_int_equal(baseline_take(&b, &s), 0);
	snapshot_free(&s);

	send(h, EVENT_ALLOC, 1, 0x40, 50, 1);
	send(h, EVENT_FREE, 1, 0x20, 0, 0);
	send(h, EVENT_ALLOC, 1, 0x50, 8, 3);
	heap_add_process(h, 2, 200, "two", 3 * S);
	send(h, EVENT_ALLOC, 2, 0x10, 77, 1);
	s = take(h);
	assert_int_equal(baseline_apply(&b, &s, NULL, 0), 0);
	assert_true(s.baseline_s > 6.9 && s.baseline_s < 7.1);
	assert_int_equal(change_of(&s, 1)->outstanding_bytes, 50);
	assert_int_equal(change_of(&s, 1)->alloc_count, 1);
	assert_int_equal(change_of(&s, 2)->outstanding_bytes, -1000);
	assert_int_equal(change_of(&s, 2)->outstanding_count, -1);
	assert_int_equal(change_of(&s, 2)->alloc_bytes, 0);
	assert_int_equal(change_of(&s, 2)->free_bytes, 1000);
	assert_int_equal(change_of(&s, 3)->outstanding_bytes, 8);
	assert_int_equal(s.processes[0].change->outstanding_bytes, 50 - 1000 + 8);
	assert_int_equal(s.processes[1].change->outstanding_bytes, 77);
	assert_sane(&s);
	/* totals stay absolute */
	assert_int_equal(s.processes[0].totals.outstanding_bytes, 1158);
	snapshot_sort(&s, SORT_OUTSTANDING, false);
	assert_int_equal(s.sites[0].change->outstanding_bytes, 77);
	assert_int_equal(s.sites[3].change->outstanding_bytes, -1000);
	snapshot_sort(&s, SORT_COUNT, true);
	assert_int_equal(s.sites[0].change->outstanding_count, -1);
	snapshot_free(&s);

	baseline_reset(&b);
	s = take(h);
	assert_int_equal(baseline_apply(&b, &s, NULL, 0), 0);
	assert_null(s.changes);
	snapshot_free(&s);
	heap_free(h);
}

/* Site 3 is the same code as site 1, which is known only after the baseline. */
static void baseline_apply__folded_later__sum_of_both(void **state)
{
	const uint64_t ids[] = {5, 6, 5};
	uint32_t primary[4] = {0};
	struct heap *h = open_heap();
	struct baseline b = {0};
	struct snapshot s;

	(void)state;
	send(h, EVENT_ALLOC, 1, 0x10, 100, 1);
	send(h, EVENT_ALLOC, 1, 0x20, 200, 2);
	send(h, EVENT_ALLOC, 1, 0x30, 300, 3);
	s = take(h);
	assert_int_equal(baseline_take(&b, &s), 0);
	snapshot_free(&s);
	send(h, EVENT_FREE, 1, 0x30, 0, 0);
	send(h, EVENT_ALLOC, 1, 0x40, 10, 1);
	s = take(h);
	assert_int_equal(snapshot_fold(&s, ids, primary), 0);
	assert_int_equal(baseline_apply(&b, &s, primary, 4), 0);
	assert_int_equal(s.site_count, 2);
	assert_int_equal(change_of(&s, 1)->outstanding_bytes, 10 - 300);
	assert_int_equal(change_of(&s, 2)->outstanding_bytes, 0);
	assert_sane(&s);
	snapshot_free(&s);
	baseline_reset(&b);
	heap_free(h);
}

/* All sums of random histories agree with those of two heaps, one of which begins at the baseline. */
static void baseline_apply__random_histories__as_counted_apart(void **state)
{
	enum { SITES = 17, STEPS = 400, BLOCKS = 64 };

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct heap *h = open_heap();
		struct baseline b = {0};
		struct snapshot s;
		uint64_t owner[BLOCKS] = {0}, bytes[BLOCKS] = {0}, x = seed * 0x9e3779b97f4a7c15ull;
		int64_t expected[SITES + 1] = {0};

		for (int step = 0; step < STEPS; step++) {
			uint64_t block, stack;

			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			block = x % BLOCKS;
			stack = 1 + (x >> 20) % SITES;
			if (step == STEPS / 2) {
				s = take(h);
				assert_int_equal(baseline_take(&b, &s), 0);
				snapshot_free(&s);
				memset(expected, 0, sizeof(expected));
			}
			if (owner[block]) {
				expected[owner[block]] -= (int64_t)bytes[block];
				owner[block] = 0;
				send(h, EVENT_FREE, 1, 0x1000 + block * 16, 0, 0);
			} else {
				owner[block] = stack;
				bytes[block] = 1 + (x >> 40) % 5000;
				expected[stack] += (int64_t)bytes[block];
				send(h, EVENT_ALLOC, 1, 0x1000 + block * 16, bytes[block], stack);
			}
		}
		s = take(h);
		assert_int_equal(baseline_apply(&b, &s, NULL, 0), 0);
		for (size_t i = 0; i < s.site_count; i++) {
			uint64_t stack = heap_site(h, s.sites[i].site)->stack_id;

			assert_int_equal(s.sites[i].change->outstanding_bytes, expected[stack]);
		}
		assert_sane(&s);
		snapshot_free(&s);
		baseline_reset(&b);
		heap_free(h);
	}
}

/* What the kernel counts is compared with then, too; of a process that is new nothing is known. */
static void baseline_apply__memory__since_then(void **state)
{
	struct snapshot_process then = {
		.index = 1,
		.beside = {.known = true,
			   .now = {.rss = 100},
			   .parts = {[BESIDE_HEAP] = {.known = true, .now = 40}}}};
	struct snapshot_process now[2] = {
		{.index = 1,
		 .beside = {.known = true,
			    .first = {.rss = 10},
			    .now = {.rss = 150},
			    .parts = {[BESIDE_HEAP] = {.known = true, .now = 70}}}},
		{.index = 9, .beside = {.known = true}}};
	struct snapshot s = {.processes = &then, .process_count = 1};
	struct baseline b = {0};
	struct beside_change c;

	(void)state;
	assert_int_equal(baseline_take(&b, &s), 0);
	s = (struct snapshot){.processes = now, .process_count = 2};
	assert_int_equal(baseline_apply(&b, &s, NULL, 0), 0);
	c = beside_change(&now[0].since);
	assert_int_equal(c.rss, 50);
	assert_int_equal(c.parts[BESIDE_HEAP], 30);
	assert_int_equal(beside_change(&now[0].beside).rss, 140);
	assert_false(now[1].since.known);
	free(s.changes);
	baseline_reset(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(baseline_apply__none_taken__no_changes),
		cmocka_unit_test(baseline_apply__more_less_and_new__signed),
		cmocka_unit_test(baseline_apply__folded_later__sum_of_both),
		cmocka_unit_test(baseline_apply__memory__since_then),
		cmocka_unit_test(baseline_apply__random_histories__as_counted_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
