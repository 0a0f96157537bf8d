/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/export/folded.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "../../user/export/folded.h"

static struct frame_name frames[] = {
	{.function = "leaf"},
	{.function = "operator;() const"},
	{.module = "libx.so", .offset = 0x1f0},
	{.pc = 9},
};
static struct frame_name hostile[] = {{.function = "x\n9\xff 3"}};
static const struct stack_names stacks[] = {
	{.frame_count = 4, .frames = frames},
	{.frame_count = 1, .frames = hostile},
	{.frame_count = 0},
};

static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	(void)context;
	return &stacks[site->stack];
}

static int no_room(void *file, const char *data, size_t size)
{
	(void)file;
	(void)data;
	(void)size;
	fail_msg("so little is not written in parts");
	return 0;
}

static struct snapshot_site sites[] = {
	{.stack = 1, .totals = {3, 1, 300, 2, 0, 0, 0, 0}},
	{.stack = 0, .totals = {10, 4, 100, 40, 0, 0, 0, 7}},
	{.stack = 0, .call = 2, .totals = {5, 2, 50, 20, 0, 0, 0, 0}},
	{.stack = 2, .process = 1, .totals = {UINT64_MAX, 1, 1, 1, 0, 0, 0, 0}},
	{.stack = 1, .process = 9, .totals = {0, 0, 1, 1, 0, 0, 0, 0}},
};
static struct snapshot_process processes[] = {{.comm = "a;b c"}, {.comm = ""}};

static void folded_write__no_sites__empty(void **state)
{
	const struct snapshot s = {.process_count = 0};
	const struct export_input in = {.snapshot = &s, .names = names};
	struct sink sink = {.write = no_room};

	(void)state;
	folded_write(&sink, &in);
	assert_int_equal(sink.text.length, 0);
}

static void assert_folded(enum folded_value value, const char *text)
{
	const struct snapshot s = {
		.processes = processes, .process_count = 2, .sites = sites, .site_count = 5};
	const struct export_input in = {.snapshot = &s, .names = names, .folded = value};
	struct sink sink = {.write = no_room};

	folded_write(&sink, &in);
	assert_string_equal(sink.text.data ? sink.text.data : "", text);
	buffer_done(&sink.text);
}

static void folded_write__each_value__one_sorted_line_a_stack(void **state)
{
	(void)state;
	assert_folded(FOLDED_OUTSTANDING,
		      "[unknown];[unknown] 18446744073709551615\n"
		      "a:b c;[unknown];libx.so+0x1f0;operator:() const;leaf 15\n"
		      "a:b c;x?9? 3 3\n");
	assert_folded(FOLDED_ALLOCATED, "[unknown];[unknown] 1\n"
					"[unknown];x?9? 3 1\n"
					"a:b c;[unknown];libx.so+0x1f0;operator:() const;leaf 150\n"
					"a:b c;x?9? 3 300\n");
	assert_folded(FOLDED_COUNT, "[unknown];[unknown] 1\n"
				    "a:b c;[unknown];libx.so+0x1f0;operator:() const;leaf 6\n"
				    "a:b c;x?9? 3 1\n");
	assert_folded(FOLDED_TEMPORARY, "a:b c;[unknown];libx.so+0x1f0;operator:() const;leaf 7\n");
}

static void folded_value_parse__names__found(void **state)
{
	enum folded_value value = FOLDED_OUTSTANDING;

	(void)state;
	assert_true(folded_value_parse("temporary", &value));
	assert_int_equal(value, FOLDED_TEMPORARY);
	assert_true(folded_value_parse("outstanding", &value));
	assert_int_equal(value, FOLDED_OUTSTANDING);
	assert_false(folded_value_parse("bytes", &value));
	assert_false(folded_value_parse("", &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folded_write__each_value__one_sorted_line_a_stack),
		cmocka_unit_test(folded_write__no_sites__empty),
		cmocka_unit_test(folded_value_parse__names__found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
