/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/maps: ordinary lines, odd names, nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cmocka.h>
#include "../../user/target/maps.h"

static struct maps_entry parse_one(struct maps *maps, const char *text)
{
	struct maps_entry entry;

	maps_open_text(maps, text);
	assert_true(maps_next(maps, &entry));
	return entry;
}

static void maps_next__ordinary_line__all_fields(void **state)
{
	struct maps maps;
	struct maps_entry e = parse_one(
		&maps, "7f2c4a000000-7f2c4a021000 r-xp 00026000 fe:01 1441800                    "
		       "/usr/lib/libc.so.6\n");

	(void)state;
	assert_true(e.start == 0x7f2c4a000000 && e.end == 0x7f2c4a021000);
	assert_true(e.read && !e.write && e.execute && !e.shared);
	assert_int_equal(e.offset, 0x26000);
	assert_int_equal(major(e.device), 0xfe);
	assert_int_equal(minor(e.device), 1);
	assert_int_equal(e.inode, 1441800);
	assert_string_equal(e.path, "/usr/lib/libc.so.6");
	assert_false(e.deleted);
	assert_true(maps_is_file(&e));
	assert_false(maps_next(&maps, &e));
	maps_close(&maps);
}

static void expect_path(const char *written, const char *path, bool deleted, bool file)
{
	struct maps_entry e;
	struct maps maps;
	char line[512];

	snprintf(line, sizeof(line), "1000-2000 rw-s 00000000 00:1f 77 %s", written);
	e = parse_one(&maps, line);
	assert_string_equal(e.path, path);
	assert_int_equal(e.deleted, deleted);
	assert_int_equal(maps_is_file(&e), file);
	assert_true(e.shared);
	maps_close(&maps);
}

static void maps_next__odd_names__unescaped(void **state)
{
	(void)state;
	expect_path("        /a b  c/d", "/a b  c/d", false, true);
	expect_path("/a\\012b\\012", "/a\nb\n", false, true);
	expect_path("/a\\01", "/a\\01", false, true);
	expect_path("/lib/x.so (deleted)", "/lib/x.so", true, true);
	expect_path("/lib/x.so (deleted) (deleted)", "/lib/x.so (deleted)", true, true);
	expect_path("/memfd:code (deleted)", "/memfd:code", true, true);
	expect_path("//anon", "//anon", false, false);
	expect_path("anon_inode:[perf_event]", "anon_inode:[perf_event]", false, false);
	expect_path("/\xff\xfe", "/\xff\xfe", false, true);
}

static void maps_next__no_path__empty(void **state)
{
	struct maps maps;
	struct maps_entry e = parse_one(&maps, "1000-2000 ---p 00000000 00:00 0\n"
					       "2000-3000 r-xp 00000000 00:00 0    [vdso]\n"
					       "ffffffffff600000-ffffffffff601000 --xp 00000000 "
					       "00:00 0 [vsyscall]");

	(void)state;
	assert_string_equal(e.path, "");
	assert_false(maps_is_file(&e));
	assert_true(maps_next(&maps, &e));
	assert_string_equal(e.path, "[vdso]");
	assert_false(maps_is_file(&e));
	assert_true(maps_next(&maps, &e));
	assert_true(e.start == 0xffffffffff600000);
	assert_false(maps_next(&maps, &e));
	maps_close(&maps);
}

static void maps_next__32bit_line__parsed(void **state)
{
	struct maps maps;
	struct maps_entry e = parse_one(&maps, "08048000-08049000 r-xp 00000000 08:02 12 /bin/a\n");

	(void)state;
	assert_int_equal(e.start, 0x8048000);
	assert_string_equal(e.path, "/bin/a");
	maps_close(&maps);
}

static void maps_next__nonsense__passed_over(void **state)
{
	static const char *const bad[] = {
		"",
		"\n\n",
		"-",
		"1-",
		"1000-2000",
		"1000-2000 r",
		"1000-2000 r-xp",
		"1000-2000 r-xp 0",
		"1000-2000 r-xp 0 00:00",
		"2000-1000 r-xp 0 00:00 0",
		"1000-1000 r-xp 0 00:00 0",
		"11111111111111111-2 r-xp 0 00:00 0",
		"x-y r-xp 0 00:00 0",
		"1000-2000 r-xp 0 100000000:00 0",
		"1000-2000 r-xp 0 00:00 99999999999999999999999",
		"1000-2000 r-xp 0 00:00 1x /a",
		"VmFlags: rd ex",
	};
	struct maps_entry e;
	struct maps maps;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "%s\n5000-6000 r--p 00000000 00:00 0\n", bad[i]);
		e = parse_one(&maps, text);
		assert_int_equal(e.start, 0x5000);
		assert_false(maps_next(&maps, &e));
		maps_close(&maps);
	}
}

static void maps_next__cut_anywhere__ends(void **state)
{
	static const char line[] = "1000-2000 r-xp 00001000 fe:01 14 /a\\012 (deleted)\n";

	(void)state;
	for (size_t length = 0; length < sizeof(line); length++) {
		char *text = strndup(line, length);
		struct maps_entry e;
		struct maps maps;

		maps_open_text(&maps, text);
		while (maps_next(&maps, &e))
			assert_int_equal(e.start, 0x1000);
		maps_close(&maps);
		free(text);
	}
}

static void maps_open__self__has_this_code(void **state)
{
	uint64_t here = (uint64_t)(uintptr_t)&parse_one;
	struct maps_entry e;
	struct maps maps;
	bool found = false;

	(void)state;
	assert_int_equal(maps_open(&maps, getpid()), 0);
	while (maps_next(&maps, &e))
		found |= e.start <= here && here < e.end && e.execute && maps_is_file(&e);
	assert_true(found);
	maps_close(&maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_next__ordinary_line__all_fields),
		cmocka_unit_test(maps_next__odd_names__unescaped),
		cmocka_unit_test(maps_next__no_path__empty),
		cmocka_unit_test(maps_next__32bit_line__parsed),
		cmocka_unit_test(maps_next__nonsense__passed_over),
		cmocka_unit_test(maps_next__cut_anywhere__ends),
		cmocka_unit_test(maps_open__self__has_this_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
