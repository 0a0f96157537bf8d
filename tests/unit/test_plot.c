/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Curves and histograms as lines of text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <string.h>
#include "../../user/view/plot.h"

static void expect_pager(const struct pager *p, size_t line, const char *expected)
{
	const struct pager_line *l = &p->lines[line];
	char text[512];

	assert_true(line < p->count);
	assert_true(l->length < sizeof(text));
	memcpy(text, p->text.data + l->start, l->length);
	text[l->length] = '\0';
	assert_string_equal(text, expected);
}

static void plot_history__rising__from_nothing_to_the_top(void **state)
{
	static const struct view_point points[] = {{4, 0}, {3, 256}, {2, 512}, {1, 768}, {0, 1024}};
	struct pager p = {0};

	(void)state;
	pager_begin(&p, 20, false);
	plot_history(&p, points, 5, 0, 2);
	assert_int_equal(p.count, 3);
	expect_pager(&p, 0, "  1.00K |       ::#");
	expect_pager(&p, 1, "     0B |   ::#####");
	expect_pager(&p, 2, "-4s    now");
	pager_done(&p);
}

static void plot_history__small_change__scale_begins_below_it(void **state)
{
	static const struct view_point points[] = {{2, 1000}, {1, 1010}, {0, 1020}};
	struct pager p = {0};

	(void)state;
	pager_begin(&p, 40, true);
	plot_history(&p, points, 3, 0, 3);
	expect_pager(&p, 2, "  1000B │▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁███████████████");
	pager_done(&p);
}

static void plot_history__nothing_or_no_room__no_lines(void **state)
{
	static const struct view_point points[] = {{1, 5}, {0, 5}};
	struct pager p = {0};

	(void)state;
	pager_begin(&p, 80, true);
	plot_history(&p, points, 1, 0, 5);
	assert_int_equal(p.count, 0);
	pager_begin(&p, 15, true);
	plot_history(&p, points, 2, 0, 5);
	assert_int_equal(p.count, 0);
	pager_done(&p);
}

static void plot_bars__values__longest_is_the_largest(void **state)
{
	static const struct plot_bar bars[] = {
		{"16B", 100, "100"}, {"32B", 50, "50"}, {"64B", 0.1, "0"}, {"128B", 0, ""}};
	struct pager p = {0};

	(void)state;
	pager_begin(&p, 50, false);
	plot_bars(&p, bars, 4, 0);
	expect_pager(&p, 0, "            16B ########## 100");
	expect_pager(&p, 1, "            32B #####      50");
	expect_pager(&p, 2, "            64B #          0");
	expect_pager(&p, 3, "           128B            ");
	pager_begin(&p, 50, true);
	plot_bars(&p, bars + 2, 2, 0);
	expect_pager(&p, 0, "            64B ██████████ 0");
	pager_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plot_history__rising__from_nothing_to_the_top),
		cmocka_unit_test(plot_history__small_change__scale_begins_below_it),
		cmocka_unit_test(plot_history__nothing_or_no_room__no_lines),
		cmocka_unit_test(plot_bars__values__longest_is_the_largest),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
