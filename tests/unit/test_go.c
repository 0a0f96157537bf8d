// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "../../user/export/csv_go.h"
#include "../../user/target/go_private.h"
#include "../../user/view/report_go.h"

static size_t build_info(uint8_t out[256], uint8_t flags, size_t length, const char *text)
{
	memset(out, 0, 256);
	memcpy(out, "\xff Go buildinf:", 14);
	out[14] = 8;
	out[15] = flags;
	out[32] = (uint8_t)length;
	memcpy(out + 33, text, strlen(text));
	return 33 + strlen(text);
}

static void go_build_parse__inline_version__is_taken(void **state)
{
	char version[GO_VERSION_MAX];
	uint8_t bytes[256];
	size_t n = build_info(bytes, 2, 8, "go1.19.8and more");

	(void)state;
	assert_true(go_build_parse(bytes, n, version));
	assert_string_equal(version, "go1.19.8");
	assert_int_equal(go_build_minor(version), 19);
}

static void go_build_parse__hostile_bytes__no_version(void **state)
{
	char version[GO_VERSION_MAX];
	uint8_t bytes[256];
	size_t n = build_info(bytes, 2, 8, "go1.19.8"), i;

	(void)state;
	for (i = 0; i < n; i++)
		assert_false(go_build_parse(bytes, i, version));
	bytes[0] = 0;
	assert_false(go_build_parse(bytes, n, version));
	n = build_info(bytes, 0, 8, "go1.19.8"); /* pointers, as before Go 1.18 */
	assert_false(go_build_parse(bytes, n, version));
	n = build_info(bytes, 2, 200, "go1.19.8");
	assert_false(go_build_parse(bytes, sizeof(bytes), version));
	n = build_info(bytes, 2, 0, "");
	assert_false(go_build_parse(bytes, sizeof(bytes), version));
	n = build_info(bytes, 2, 8, "go1\n19.8");
	assert_false(go_build_parse(bytes, n, version));
	n = build_info(bytes, 2, 100, "go1.19.8");
	assert_false(go_build_parse(bytes, sizeof(bytes), version));
	assert_string_equal(version, "");
}

static void go_build_minor__other_texts__is_none(void **state)
{
	(void)state;
	assert_int_equal(go_build_minor("go1.27.4-X:something"), 27);
	assert_int_equal(go_build_minor("go1."), 0);
	assert_int_equal(go_build_minor("go2.1"), 0);
	assert_int_equal(go_build_minor("devel +abc"), 0);
	assert_int_equal(go_build_minor(""), 0);
	assert_null(go_layout_find(go_build_minor("go1.99999999999999999999")));
	assert_null(go_layout_find(0));
	assert_null(go_layout_find(28));
	assert_non_null(go_layout_find(19));
}

static void go_symbols_vote__majority__wins(void **state)
{
	static const uint64_t agreed[] = {7, 7, 9, 7}, split[] = {1, 1, 2, 2}, alone[] = {5},
			      none[] = {1, 2};

	(void)state;
	assert_int_equal(go_symbols_vote(agreed, 4), 7);
	assert_int_equal(go_symbols_vote(split, 4), 0);
	assert_int_equal(go_symbols_vote(alone, 1), 5);
	assert_int_equal(go_symbols_vote(none, 2), 0);
	assert_int_equal(go_symbols_vote(NULL, 0), 0);
}

static void go_open__this_program__is_none(void **state)
{
	char why[GO_WHY_MAX], version[GO_VERSION_MAX];

	(void)state;
	assert_false(go_version(getpid(), version));
	assert_null(go_open(getpid(), NULL, why));
	assert_string_equal(why, "");
}

static size_t columns_of(const char *line)
{
	size_t n = 1;

	for (; *line && *line != '\n'; line++)
		n += *line == ',';
	return n;
}

static void csv_write_go__unknown_and_known__one_row(void **state)
{
	struct snapshot_process processes[2] = {{.pid = 1, .comm = "none"},
						{.pid = 2, .comm = "a,b"}};
	struct snapshot s = {.processes = processes, .process_count = 2, .elapsed_s = 1.5};
	struct export_input in = {.snapshot = &s};
	struct sink out = {0};

	(void)state;
	processes[1].go.known = true;
	processes[1].go.alloc = 4096;
	processes[1].go.gogc = -1;
	processes[1].go.memory_limit = INT64_MAX;
	csv_write_go(&out, &in);
	assert_true(strstr(out.text.data, ",1.5,2,\"a,b\",4096,0,") != NULL);
	assert_true(strstr(out.text.data, ",-1,9223372036854775807,") != NULL);
	assert_string_equal(out.text.data + out.text.length - 4, ",,,\n");
	assert_ptr_equal(strchr(out.text.data, '\n'), out.text.data + out.text.length - 1);
	buffer_reset(&out.text);
	processes[1].goroutines = (struct goroutine_figures){
		.known = true, .groups = 4, .largest = 70, .leak_count = 2};
	csv_write_go(&out, &in);
	assert_string_equal(out.text.data + out.text.length - 8, ",4,70,2\n");
	/* the quoted comma is one more */
	assert_int_equal(columns_of(out.text.data), columns_of(CSV_GO_HEADER) + 1);
	assert_true(strstr(CSV_GO_HEADER, "comm,Alloc,TotalAlloc,Sys,Lookups,Mallocs,Frees,") !=
		    NULL);
	buffer_done(&out.text);
}

static void report_add_go__beside_a_heap__only_verbose(void **state)
{
	struct snapshot_process p = {.pid = 9, .comm = "x"};
	struct buffer out = {0};

	(void)state;
	buffer_add(&out, "", 0);
	report_add_go(&out, &p, true);
	assert_int_equal(out.length, 0);
	p.go = (struct go_figures){.known = true,
				   .heap_alloc = 2 << 20,
				   .heap_objects = 12,
				   .gogc = -1,
				   .memory_limit = INT64_MAX,
				   .goroutines = 3};
	report_add_go(&out, &p, false);
	assert_int_equal(out.length, 0);
	report_add_go(&out, &p, true);
	assert_non_null(strstr(out.data, "\t(9 x: Go heap 2.00M in 12 objects, "));
	assert_non_null(strstr(out.data, "; 3 goroutines)\n"));
	assert_non_null(strstr(out.data, "GOGC off, no GOMEMLIMIT; it changed while it was read"));
	buffer_reset(&out);
	p.go_only = true;
	p.go.consistent = true;
	report_add_go(&out, &p, false);
	assert_non_null(strstr(out.data, "GOGC off, no GOMEMLIMIT)\n"));
	buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_build_parse__inline_version__is_taken),
		cmocka_unit_test(go_build_parse__hostile_bytes__no_version),
		cmocka_unit_test(go_build_minor__other_texts__is_none),
		cmocka_unit_test(go_symbols_vote__majority__wins),
		cmocka_unit_test(go_open__this_program__is_none),
		cmocka_unit_test(report_add_go__beside_a_heap__only_verbose),
		cmocka_unit_test(csv_write_go__unknown_and_known__one_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
