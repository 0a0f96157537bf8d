/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list's arithmetic and the text that goes into its cells, without a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <string.h>
#include "../../user/view/keys.h"
#include "../../user/view/list.h"
#include "../../user/view/text.h"

static const struct list_column table[] = {
	{.title = "A", .width = 5, .drop = 2, .sort = 0},
	{.title = "B", .width = 5, .sort = 1},
	{.title = "C", .width = 5, .drop = 1, .sort = -1},
	{.title = "D", .width = 10, .weight = 2, .sort = 2},
	{.title = "E", .width = 10, .weight = 1, .drop = 3, .sort = -1},
};

static struct list make(size_t count, size_t height)
{
	struct list l;

	list_init(&l, table, 5);
	list_set_width(&l, 80);
	list_set_height(&l, height);
	list_set_count(&l, count);
	return l;
}

static void assert_sane(const struct list *l)
{
	if (l->count == 0) {
		assert_int_equal(l->selected, 0);
		assert_int_equal(l->top, 0);
		return;
	}
	assert_true(l->selected < l->count);
	assert_true(l->top <= l->selected);
	assert_true(l->selected < l->top + (l->height ? l->height : 1));
}

static void list_set_width__wide__rest_shared_by_weight(void **state)
{
	struct list l = make(0, 10);

	(void)state;
	/* 35 columns and 4 blanks are fixed: 41 are left. */
	assert_int_equal(l.widths[3], 10 + 41 * 2 / 3);
	assert_int_equal(l.widths[0] + l.widths[1] + l.widths[2] + l.widths[3] + l.widths[4], 76);
}

static void list_set_width__narrow__columns_dropped_in_order(void **state)
{
	struct list l = make(0, 10);

	(void)state;
	list_set_width(&l, 30);
	assert_int_equal(l.widths[4], 0);
	assert_int_equal(l.widths[0], 5);
	list_set_width(&l, 23);
	assert_int_equal(l.widths[0], 0);
	assert_int_equal(l.widths[2], 5);
	list_set_width(&l, 3);
	assert_int_equal(l.widths[1], 5);
	assert_int_equal(l.widths[2], 0);
	list_set_width(&l, 80);
	assert_int_equal(l.widths[0], 5);
}

static void list_move__past_both_ends__stays_inside(void **state)
{
	struct list l = make(5, 3);

	(void)state;
	list_move(&l, -1);
	assert_int_equal(l.selected, 0);
	list_move(&l, 4);
	assert_int_equal(l.selected, 4);
	assert_int_equal(l.top, 2);
	list_move(&l, 100);
	assert_int_equal(l.selected, 4);
	list_move(&l, -100);
	assert_int_equal(l.selected, 0);
	assert_int_equal(l.top, 0);
	assert_sane(&l);
}

static void list_move_pages__forth_and_back__same_place(void **state)
{
	struct list l = make(100, 10);

	(void)state;
	list_select(&l, 5);
	list_move_pages(&l, 1);
	assert_int_equal(l.top, 9);
	assert_int_equal(l.selected, 14);
	list_move_pages(&l, -1);
	assert_int_equal(l.selected, 5);
	list_move_pages(&l, -1);
	assert_int_equal(l.selected, 0);
	list_end(&l);
	assert_int_equal(l.selected, 99);
	assert_int_equal(l.top, 90);
	list_home(&l);
	assert_int_equal(l.top, 0);
}

static void list_set_count__fewer_rows__cursor_on_the_last(void **state)
{
	struct list l = make(100, 10);

	(void)state;
	list_end(&l);
	list_set_count(&l, 7);
	assert_int_equal(l.selected, 6);
	assert_int_equal(l.top, 0);
	list_set_count(&l, 0);
	assert_sane(&l);
	list_move(&l, 1);
	list_move_pages(&l, 1);
	list_end(&l);
	assert_sane(&l);
}

static void list_set_height__no_room__still_sane(void **state)
{
	struct list l = make(10, 10);

	(void)state;
	list_end(&l);
	list_set_height(&l, 0);
	assert_sane(&l);
	list_move(&l, -3);
	list_move_pages(&l, 1);
	assert_sane(&l);
	list_set_height(&l, 20);
	assert_int_equal(l.top, 0);
}

static void list_any_moves__invariant_holds(void **state)
{
	struct list l = make(23, 7);
	uint32_t random = 1;
	int i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		random = random * 1664525 + 1013904223;
		switch (random >> 16 & 7) {
		case 0: list_move(&l, (long)(random >> 20 & 31) - 16); break;
		case 1: list_move_pages(&l, 1); break;
		case 2: list_move_pages(&l, -1); break;
		case 3: list_set_count(&l, random >> 20 & 63); break;
		case 4: list_set_height(&l, random >> 20 & 15); break;
		case 5: list_select(&l, random >> 20 & 63); break;
		case 6: list_end(&l); break;
		default: list_home(&l); break;
		}
		assert_sane(&l);
	}
}

static void list_next_sort__goes_around_over_sortable_columns(void **state)
{
	struct list l = make(0, 5);

	(void)state;
	l.sort = 1;
	assert_int_equal(list_next_sort(&l, 1), 2);
	assert_int_equal(list_next_sort(&l, -1), 0);
	l.sort = 2;
	assert_int_equal(list_next_sort(&l, 1), 0);
	list_set_width(&l, 23); /* column A is not shown */
	assert_int_equal(list_next_sort(&l, 1), 1);
}

static bool is_row(void *context, size_t row)
{
	return row == *(size_t *)context;
}

static void list_find__behind_the_cursor__wraps_around(void **state)
{
	struct list l = make(10, 5);
	size_t wanted = 2, row;

	(void)state;
	assert_true(list_find(&l, 7, is_row, &wanted, &row));
	assert_int_equal(row, 2);
	wanted = 7;
	assert_true(list_find(&l, 7, is_row, &wanted, &row));
	wanted = 99;
	assert_false(list_find(&l, 7, is_row, &wanted, &row));
	list_set_count(&l, 0);
	assert_false(list_find(&l, 0, is_row, &wanted, &row));
}

static void expect_fit(const char *s, int columns, enum text_align align, bool utf8,
		       const char *expected)
{
	struct buffer out = {0};

	buffer_add(&out, "", 0);
	text_fit(&out, s, columns, align, utf8);
	assert_string_equal(out.data, expected);
	buffer_done(&out);
}

static void text_fit__padding_and_cutting__exact_columns(void **state)
{
	(void)state;
	expect_fit("abc", 5, TEXT_LEFT, true, "abc  ");
	expect_fit("abc", 5, TEXT_RIGHT, true, "  abc");
	expect_fit("abc", 3, TEXT_RIGHT, true, "abc");
	expect_fit("abcdef", 4, TEXT_LEFT, true, "abc…");
	expect_fit("abcdef", 4, TEXT_LEFT, false, "abc~");
	expect_fit("abcdef", 1, TEXT_LEFT, false, "~");
	expect_fit("abc", 0, TEXT_LEFT, false, "");
	expect_fit("", 2, TEXT_LEFT, false, "  ");
}

static void text_fit__hostile_text__cleaned(void **state)
{
	(void)state;
	expect_fit("a\x1b[m\n\x7f", 8, TEXT_LEFT, true, "a?[m??  ");
	expect_fit("\xff\xe2\x82", 4, TEXT_LEFT, true, "??? ");
	expect_fit("a\u202eb", 4, TEXT_LEFT, true, "a?b ");
	expect_fit("é", 3, TEXT_LEFT, false, "?  ");
}

static void text_fit__wide_characters__count_double(void **state)
{
	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	assert_int_equal(text_columns("日本", true), 4);
	expect_fit("日本", 3, TEXT_LEFT, true, "日…");
	expect_fit("日本語", 4, TEXT_LEFT, true, "日… ");
	expect_fit("é", 3, TEXT_LEFT, true, "é  ");
}

static void text_wrap__breaks_at_blanks_and_makes_progress(void **state)
{
	(void)state;
	assert_int_equal(text_wrap("hello world", 8, false), 6);
	assert_int_equal(text_wrap("helloworld", 8, false), 8);
	assert_int_equal(text_wrap("abc", 8, false), 3);
	assert_int_equal(text_wrap("abc", 0, false), 1);
	assert_int_equal(text_wrap("", 5, false), 0);
}

static void text_bars__range__lowest_to_highest(void **state)
{
	static const double rising[] = {0, 1, 2, 3, 4, 5, 6, 7}, flat[] = {3, 3};
	struct buffer out = {0};

	(void)state;
	text_bars(&out, rising, 8, false);
	text_bars(&out, flat, 2, false);
	assert_string_equal(out.data, "_.-=+*#@..");
	buffer_done(&out);
}

static void keys_table__codes_once_actions_together(void **state)
{
	size_t i, j, count;
	const struct key *keys = keys_table(&count);

	(void)state;
	for (i = 0; i < count; i++) {
		assert_int_equal(keys_find(keys[i].code), keys[i].action);
		for (j = i + 1; j < count; j++) {
			assert_int_not_equal(keys[i].code, keys[j].code);
			if (keys[j].action == keys[i].action)
				assert_int_equal(keys[j - 1].action, keys[i].action);
		}
	}
	assert_int_equal(keys_find(0x7ff), ACTION_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_set_width__wide__rest_shared_by_weight),
		cmocka_unit_test(list_set_width__narrow__columns_dropped_in_order),
		cmocka_unit_test(list_move__past_both_ends__stays_inside),
		cmocka_unit_test(list_move_pages__forth_and_back__same_place),
		cmocka_unit_test(list_set_count__fewer_rows__cursor_on_the_last),
		cmocka_unit_test(list_set_height__no_room__still_sane),
		cmocka_unit_test(list_any_moves__invariant_holds),
		cmocka_unit_test(list_next_sort__goes_around_over_sortable_columns),
		cmocka_unit_test(list_find__behind_the_cursor__wraps_around),
		cmocka_unit_test(text_fit__padding_and_cutting__exact_columns),
		cmocka_unit_test(text_fit__hostile_text__cleaned),
		cmocka_unit_test(text_fit__wide_characters__count_double),
		cmocka_unit_test(text_wrap__breaks_at_blanks_and_makes_progress),
		cmocka_unit_test(keys_table__codes_once_actions_together),
		cmocka_unit_test(text_bars__range__lowest_to_highest),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
