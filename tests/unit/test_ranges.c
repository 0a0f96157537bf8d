/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/heap/ranges.c: partial unmaps, and random ones against one byte per page. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/heap/ranges.h"

#define PAGE (uint64_t) RANGE_PAGE

struct seen {
	int pieces, whole, splits;
	uint64_t bytes;
};

static void on_gone(void *context, const struct range *piece, int whole)
{
	struct seen *s = context;

	s->pieces++;
	s->whole += whole;
	s->bytes += piece->bytes;
}

static void on_split(void *context, const struct range *right)
{
	struct seen *s = context;

	assert_true(right->bytes > 0);
	s->splits++;
}

static void assert_sane(const struct ranges *r)
{
	const char *wrong = ranges_check(r);

	if (wrong)
		fail_msg("%s", wrong);
}

static void add(struct ranges *r, uint64_t page, uint64_t bytes, uint64_t born_ns)
{
	struct range range = {.start = page * PAGE, .bytes = bytes, .born_ns = born_ns, .site = 1};

	assert_int_equal(ranges_insert(r, &range), 0);
	assert_sane(r);
}

static struct seen cut(struct ranges *r, uint64_t page, uint64_t bytes, int64_t expected)
{
	struct seen s = {0};
	int64_t gone = ranges_remove(r, page * PAGE, bytes, 100, on_gone, on_split, &s);

	assert_int_equal(gone, expected);
	assert_int_equal(s.bytes, expected);
	assert_sane(r);
	return s;
}

static void ranges_remove__whole__gone(void **state)
{
	struct ranges r = {0};
	struct seen s;

	(void)state;
	add(&r, 10, 5000, 1);
	assert_int_equal(ranges_find(&r, 10 * PAGE + 8191)->bytes, 5000);
	assert_null(ranges_find(&r, 12 * PAGE));
	s = cut(&r, 10, 5000, 5000);
	assert_int_equal(s.whole, 1);
	assert_int_equal(r.count, 0);
	ranges_done(&r);
}

static void ranges_remove__front__rest_stays(void **state)
{
	struct ranges r = {0};
	struct seen s;

	(void)state;
	add(&r, 10, 3 * PAGE + 7, 1);
	s = cut(&r, 10, 1, PAGE);
	assert_int_equal(s.whole, 0);
	assert_int_equal(r.v[0].start, 11 * PAGE);
	assert_int_equal(r.v[0].bytes, 2 * PAGE + 7);
	ranges_done(&r);
}

static void ranges_remove__end__only_bytes_asked_for(void **state)
{
	struct ranges r = {0};

	(void)state;
	add(&r, 10, 3 * PAGE + 7, 1);
	cut(&r, 13, PAGE, 7);
	assert_int_equal(r.v[0].bytes, 3 * PAGE);
	cut(&r, 13, PAGE, 0);
	ranges_done(&r);
}

static void ranges_remove__middle__splits(void **state)
{
	struct ranges r = {0};
	struct seen s;

	(void)state;
	add(&r, 10, 5 * PAGE, 1);
	s = cut(&r, 12, PAGE, (int64_t)PAGE);
	assert_int_equal(s.splits, 1);
	assert_int_equal(s.whole, 0);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.v[0].bytes, 2 * PAGE);
	assert_int_equal(r.v[1].start, 13 * PAGE);
	assert_int_equal(r.v[1].bytes, 2 * PAGE);
	assert_null(ranges_find(&r, 12 * PAGE));
	ranges_done(&r);
}

static void ranges_remove__several_at_once__pieces_of_each(void **state)
{
	struct ranges r = {0};
	struct seen s;

	(void)state;
	add(&r, 30, 2 * PAGE, 1);
	add(&r, 10, 2 * PAGE, 1);
	add(&r, 20, 100, 1);
	s = cut(&r, 11, 20 * PAGE, (int64_t)(2 * PAGE + 100));
	assert_int_equal(s.pieces, 3);
	assert_int_equal(s.whole, 1);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.v[1].start, 31 * PAGE);
	ranges_done(&r);
}

static void ranges_remove__younger_range__stays(void **state)
{
	struct ranges r = {0};

	(void)state;
	add(&r, 10, PAGE, 1);
	add(&r, 11, PAGE, 101);
	add(&r, 12, PAGE, 100);
	cut(&r, 10, 3 * PAGE, (int64_t)(2 * PAGE));
	assert_int_equal(r.count, 1);
	assert_int_equal(r.v[0].born_ns, 101);
	ranges_done(&r);
}

static void ranges_insert__overlap__refused(void **state)
{
	struct ranges r = {0}, copy;
	struct range range = {.start = 11 * PAGE, .bytes = 1};

	(void)state;
	add(&r, 10, PAGE + 1, 1);
	assert_int_equal(ranges_insert(&r, &range), -EEXIST);
	range = (struct range){.start = 9 * PAGE, .bytes = PAGE + 1};
	assert_int_equal(ranges_insert(&r, &range), -EEXIST);
	add(&r, 9, PAGE, 1);
	add(&r, 12, 1, 1);
	assert_int_equal(ranges_copy(&copy, &r), 0);
	assert_int_equal(copy.count, 3);
	assert_sane(&copy);
	ranges_done(&copy);
	ranges_done(&r);
}

#define PAGES 200u

static uint64_t mapped(const uint8_t *pages, uint64_t from, uint64_t to)
{
	uint64_t n = 0;

	for (; from < to; from++)
		n += pages[from];
	return n;
}

static void ranges_random__against_pages__same(void **state)
{
	struct ranges r = {0};
	uint8_t pages[PAGES] = {0};
	struct seen s = {0};
	int live = 0;

	(void)state;
	srand(7);
	for (int i = 0; i < 20000; i++) {
		uint64_t from = 1 + (uint64_t)rand() % (PAGES - 20), n = 1 + (uint64_t)rand() % 12;
		int64_t gone;

		s = (struct seen){0};
		gone = ranges_remove(&r, from * PAGE, n * PAGE - 5, 1, on_gone, on_split, &s);
		assert_int_equal(gone, mapped(pages, from, from + n) * PAGE);
		memset(pages + from, 0, n);
		live += s.splits - s.whole;
		if (rand() % 2) {
			add(&r, from, n * PAGE, 1);
			memset(pages + from, 1, n);
			live++;
		}
		assert_sane(&r);
		assert_int_equal(live, r.count);
	}
	for (uint64_t p = 0; p < PAGES; p++)
		assert_int_equal(ranges_find(&r, p * PAGE + 9) != NULL, pages[p]);
	ranges_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_remove__whole__gone),
		cmocka_unit_test(ranges_remove__front__rest_stays),
		cmocka_unit_test(ranges_remove__end__only_bytes_asked_for),
		cmocka_unit_test(ranges_remove__middle__splits),
		cmocka_unit_test(ranges_remove__several_at_once__pieces_of_each),
		cmocka_unit_test(ranges_remove__younger_range__stays),
		cmocka_unit_test(ranges_insert__overlap__refused),
		cmocka_unit_test(ranges_random__against_pages__same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
