/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of --csv, read for --diff: cells with anything in them, the last row of each site, and files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../user/export/csv_read.h"

#define HEADER                                                                                     \
	"time,pid,site,outstanding_bytes,outstanding_count,alloc_bytes,alloc_count,free_bytes,"    \
	"free_count,temporary_count,api,function,source,module,stack\n"

static int read_text(struct csv_sites *sites, const char *text, size_t size, size_t *line)
{
	int fd = memfd_create("csv", MFD_CLOEXEC), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	err = csv_read_sites(sites, fd, line);
	close(fd);
	return err;
}

static void csv_read__quoted_cells__as_they_were(void **state)
{
	static const char text[] = HEADER "t,7,00000000000000ab,10,1,20,2,10,1,3,malloc,\"f(a, "
					  "b)\",\"a \"\"b\"\".c:3\",m,\"x;y\nz\"\n";
	struct csv_sites sites;
	size_t line;

	(void)state;
	assert_int_equal(read_text(&sites, text, sizeof(text) - 1, &line), 0);
	assert_int_equal(sites.count, 1);
	assert_int_equal(sites.v[0].site, 0xab);
	assert_int_equal(sites.v[0].outstanding_bytes, 10);
	assert_int_equal(sites.v[0].alloc_count, 2);
	assert_string_equal(sites.v[0].function, "f(a, b)");
	assert_string_equal(sites.v[0].source, "a \"b\".c:3");
	assert_string_equal(sites.v[0].stack, "x;y\nz");
	csv_sites_free(&sites);
}

static void csv_read__several_rows__last_of_each_process_summed(void **state)
{
	static const char text[] = HEADER "t,7,0000000000000002,10,1,20,2,10,1,3,malloc,f,,m,s\n"
					  "t,8,0000000000000002,100,1,0,0,0,0,3,malloc,f,,m,s\n"
					  "t,8,0000000000000001,5,5,5,5,0,0,3,malloc,g,,m,s\n"
					  "u,7,0000000000000002,30,3,40,4,10,1,3,malloc,f,,m,s\n";
	struct csv_sites sites;
	size_t line;

	(void)state;
	assert_int_equal(read_text(&sites, text, sizeof(text) - 1, &line), 0);
	assert_int_equal(sites.count, 2);
	assert_int_equal(sites.v[0].site, 1);
	assert_int_equal(sites.v[1].site, 2);
	assert_int_equal(sites.v[1].outstanding_bytes, 130);
	assert_int_equal(sites.v[1].outstanding_count, 4);
	assert_int_equal(sites.v[1].alloc_bytes, 40);
	csv_sites_free(&sites);
}

static void csv_read__no_such_file__refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		size_t line;
	} cases[] = {
		{"", 1},
		{"time,pid\n", 1},
		{HEADER "t,7,0000000000000002,10\n", 2},
		{HEADER "t,7,2,10,1,20,2,10,1,3,malloc,f,,m,s\n", 2},
		{HEADER "t,7,0000000000000002,-1,1,20,2,10,1,3,malloc,f,,m,s\n", 2},
		{HEADER "t,x,0000000000000002,1,1,20,2,10,1,3,malloc,f,,m,s\n", 2},
		{HEADER "t,7,0000000000000002,1,1,20,2,10,1,3,malloc,\"f,,m,s\n", 3},
		{HEADER "t,7,0000000000000002,1,1,20,2,10,1,3,malloc,\"f\"g,,m,s\n", 2},
	};
	struct csv_sites sites;
	size_t line, i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_text(&sites, cases[i].text, strlen(cases[i].text), &line),
				 -EBADMSG);
		assert_int_equal(line, cases[i].line);
		assert_null(sites.v);
	}
}

/* Each byte changed: other rows or an error, and never a read past the end (sanitizers see it). */
static void csv_read__hostile_bytes__within_bounds(void **state)
{
	char text[] = HEADER "t,7,0000000000000002,1,1,20,2,10,1,3,malloc,\"f\"\"\",,m,\"a;b\"\n";
	static const char bytes[] = "\",\n0;\\";
	struct csv_sites sites;
	size_t i, b, line;

	(void)state;
	for (i = 0; i < sizeof(text) - 1; i++) {
		for (b = 0; b < sizeof(bytes) - 1; b++) {
			char before = text[i];
			int err;

			text[i] = bytes[b];
			err = read_text(&sites, text, sizeof(text) - 1, &line);
			assert_true(err == 0 || err == -EBADMSG);
			csv_sites_free(&sites);
			text[i] = before;
		}
		/* cut before the end of the last row: it has too few cells, or a shorter last one */
		assert_true(read_text(&sites, text, i, &line) == -EBADMSG || sites.count <= 1);
		csv_sites_free(&sites);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_read__quoted_cells__as_they_were),
		cmocka_unit_test(csv_read__several_rows__last_of_each_process_summed),
		cmocka_unit_test(csv_read__no_such_file__refused_with_its_line),
		cmocka_unit_test(csv_read__hostile_bytes__within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
