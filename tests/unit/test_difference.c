/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/export/difference.c and of what is written of one. That all formats agree is tests/live/test_diff.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/export/difference.h"
#include "../../user/export/difference_formats.h"
#include "../../user/export/folded.h"

#define NAMES .api = "malloc", .function = "f", .source = "", .module = "", .stack = "main;f"

static struct csv_site *rows(const struct csv_site *from, size_t count)
{
	struct csv_site *v = calloc(count + 1, sizeof(*v));

	assert_non_null(v);
	if (count)
		memcpy(v, from, count * sizeof(*v));
	return v;
}

static struct difference compare(const struct csv_site *a, size_t a_count, const struct csv_site *b,
				 size_t b_count)
{
	struct difference d = {.a.path = "A", .b.path = "B"};

	d.a.sites = (struct csv_sites){.v = rows(a, a_count), .count = a_count};
	d.b.sites = (struct csv_sites){.v = rows(b, b_count), .count = b_count};
	difference_make(&d);
	return d;
}

static const struct csv_site before[] = {
	{.site = 1, .outstanding_bytes = 10, .outstanding_count = 1, NAMES},
	{.site = 2, .outstanding_bytes = 20, .outstanding_count = 2, NAMES},
	{.site = 3, .outstanding_bytes = 30, .outstanding_count = 3, NAMES},
	{.site = 5, .outstanding_bytes = 50, .outstanding_count = 5, NAMES},
	{.site = 6, .outstanding_bytes = 60, .outstanding_count = 6, NAMES},
	{.site = 8, .outstanding_bytes = 0, .outstanding_count = 0, NAMES},
};
static const struct csv_site after[] = {
	{.site = 2, .outstanding_bytes = 25, .outstanding_count = 1, NAMES},
	{.site = 3, .outstanding_bytes = 0, .outstanding_count = 0, NAMES},
	{.site = 4, .outstanding_bytes = 0, .outstanding_count = 4, NAMES},
	{.site = 5, .outstanding_bytes = 45, .outstanding_count = 9, NAMES},
	{.site = 6, .outstanding_bytes = 60, .outstanding_count = 5, NAMES},
	{.site = 7, .outstanding_bytes = UINT64_MAX, .outstanding_count = 1, NAMES},
	{.site = 8, .outstanding_bytes = 0, .outstanding_count = 0, NAMES},
};

static void difference__each_kind__in_order(void **state)
{
	static const struct {
		uint64_t site;
		enum difference_kind kind;
		int64_t bytes, count;
	} wanted[] = {
		{4, DIFFERENCE_APPEARED, 0, 4},	      {7, DIFFERENCE_APPEARED, -1, 1},
		{2, DIFFERENCE_GREW, 5, -1},	      {5, DIFFERENCE_SHRANK, -5, 4},
		{6, DIFFERENCE_SHRANK, 0, -1},	      {3, DIFFERENCE_DISAPPEARED, -30, -3},
		{1, DIFFERENCE_DISAPPEARED, -10, -1}, {8, DIFFERENCE_NONE, 0, 0},
	};
	struct difference d = compare(before, 6, after, 7);
	size_t i, j, found = 0;

	(void)state;
	assert_int_equal(d.site_count, 8);
	for (i = 0; i < d.site_count; i++) {
		for (j = 0; j < 8 && wanted[j].site != d.sites[i].site->site; j++)
			;
		assert_true(j < 8);
		assert_int_equal(d.sites[i].kind, wanted[j].kind);
		assert_int_equal(d.sites[i].bytes, wanted[j].bytes);
		assert_int_equal(d.sites[i].count, wanted[j].count);
		assert_true(!i || d.sites[i - 1].kind <= d.sites[i].kind);
		found += j;
	}
	assert_int_equal(found, 28);
	assert_int_equal(d.sites[5].site->site,
			 3); /* the larger change of those that disappeared */
	assert_int_equal(d.counts[DIFFERENCE_DISAPPEARED], 2);
	assert_int_equal(d.count, 3);
	difference_done(&d);
}

static void difference__nothing_on_a_side__all_appeared_or_gone(void **state)
{
	struct difference d = compare(before, 0, after, 1);

	(void)state;
	assert_int_equal(d.sites[0].kind, DIFFERENCE_APPEARED);
	assert_int_equal(d.bytes, 25);
	difference_done(&d);
	d = compare(after, 1, before, 0);
	assert_int_equal(d.sites[0].kind, DIFFERENCE_DISAPPEARED);
	assert_string_equal(d.sites[0].site->function, "f");
	difference_done(&d);
	d = compare(before, 0, after, 0);
	assert_int_equal(d.site_count, 0);
	difference_done(&d);
}

static void difference_names__stack__innermost_first_with_its_source(void **state)
{
	const struct csv_site site = {.site = 9,
				      .api = "malloc",
				      .function = "a;b",
				      .source = "dir:x/f.c:77",
				      .module = "m",
				      .stack = "_start;main;a:b;inner"};
	const struct csv_site other = {
		.api = "", .function = "f", .source = "f.c", .module = "", .stack = "f"};
	const struct csv_site none = {
		.api = "", .function = "", .source = "x:1", .module = "m", .stack = ""};
	struct difference_names scratch = {.text = NULL};
	const struct stack_names *n = difference_names(&scratch, &site);

	(void)state;
	assert_int_equal(n->site_id, 9);
	assert_int_equal(n->frame_count, 4);
	assert_string_equal(n->frames[0].function, "inner");
	assert_string_equal(n->frames[3].function, "_start");
	assert_int_equal(n->function_frame, 1);
	assert_string_equal(n->frames[1].file, "dir:x/f.c");
	assert_int_equal(n->frames[1].line, 77);
	assert_string_equal(n->frames[1].module, "m");
	assert_null(n->frames[0].file);
	n = difference_names(&scratch, &other);
	assert_int_equal(n->frame_count, 1);
	assert_string_equal(n->frames[0].file, "f.c");
	assert_int_equal(n->frames[0].line, 0);
	assert_null(n->frames[0].module);
	n = difference_names(&scratch, &none);
	assert_int_equal(n->frame_count, 0);
	difference_names_done(&scratch);
}

static int no_room(void *file, const char *data, size_t size)
{
	(void)file;
	(void)data;
	(void)size;
	fail_msg("so little is not written in parts");
	return 0;
}

static void assert_written(void (*write)(struct sink *, const struct export_input *),
			   const struct difference *d, const char *text)
{
	const struct snapshot nothing = {.site_count = 0};
	const struct export_input in = {.snapshot = &nothing, .difference = d};
	struct sink sink = {.write = no_room};

	write(&sink, &in);
	assert_string_equal(sink.text.data ? sink.text.data : "", text);
	buffer_done(&sink.text);
}

static void difference__folded__two_values_a_stack(void **state)
{
	static const struct csv_site a[] = {
		{.site = 1, .outstanding_bytes = 10, NAMES},
		{.site = 2, .outstanding_bytes = 20, NAMES},
		{.site = 3, .api = "", .function = "", .source = "", .module = "", .stack = ""},
	};
	static const struct csv_site b[] = {
		{.site = 2, .outstanding_bytes = 5, NAMES},
		{.site = 4,
		 .outstanding_bytes = 7,
		 .api = "",
		 .function = "",
		 .source = "",
		 .module = "",
		 .stack = ""},
	};
	struct difference d = compare(a, 3, b, 2);

	(void)state;
	assert_written(folded_write_difference, &d, "[unknown] 0 7\nmain;f 30 5\n");
	difference_done(&d);
}

static void difference__json__a_line_for_the_whole_and_one_a_site(void **state)
{
	static const struct csv_site b[] = {{.site = 0xab,
					     .outstanding_bytes = 7,
					     .outstanding_count = 2,
					     .alloc_bytes = 9,
					     .alloc_count = 3,
					     .api = "malloc",
					     .function = "f\"",
					     .source = "f.c:3",
					     .module = "",
					     .stack = "main;f\""}};
	struct difference d = compare(b, 0, b, 1);

	(void)state;
	assert_written(
		difference_write_json, &d,
		"{\"version\":1,\"kind\":\"diff\",\"time\":\"1970-01-01T00:00:00.000Z\","
		"\"a\":{\"path\":\"A\",\"outstanding_bytes\":0,\"outstanding_count\":0,\"sites\":0}"
		","
		"\"b\":{\"path\":\"B\",\"outstanding_bytes\":7,\"outstanding_count\":2,\"sites\":1}"
		","
		"\"bytes_change\":7,\"count_change\":2,\"sites\":{\"appeared\":1,\"grew\":0,"
		"\"shrank\":0,\"disappeared\":0,\"unchanged\":0}}\n"
		"{\"version\":1,\"kind\":\"diff_site\",\"site\":\"00000000000000ab\","
		"\"change\":\"appeared\",\"bytes_a\":0,\"bytes_b\":7,\"bytes_change\":7,\"count_"
		"a\":0,"
		"\"count_b\":2,\"count_change\":2,\"alloc_bytes_a\":0,\"alloc_bytes_b\":9,"
		"\"alloc_count_a\":0,\"alloc_count_b\":3,\"api\":\"malloc\",\"function\":\"f\\\"\","
		"\"source\":\"f.c:3\",\"module\":null,\"stack\":[\"f\\\"\",\"main\"]}\n");
	difference_done(&d);
}

static void difference_formats__every_row__named_as_its_format(void **state)
{
	size_t i, written = 0;

	(void)state;
	for (i = 0; i < FORMATS; i++) {
		if (!difference_formats[i].write)
			continue;
		assert_string_equal(difference_formats[i].name, export_formats[i].name);
		assert_false(difference_formats[i].streamed);
		written++;
	}
	assert_int_equal(written, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(difference__each_kind__in_order),
		cmocka_unit_test(difference__nothing_on_a_side__all_appeared_or_gone),
		cmocka_unit_test(difference_names__stack__innermost_first_with_its_source),
		cmocka_unit_test(difference__folded__two_values_a_stack),
		cmocka_unit_test(difference__json__a_line_for_the_whole_and_one_a_site),
		cmocka_unit_test(difference_formats__every_row__named_as_its_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
