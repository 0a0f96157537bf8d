/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of generated code, from files that anybody may have written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../user/base/clock.h"
#include "../../user/symbol/names.h"
#include "../../user/symbol/perf_map.h"

#define WAIT_MS 60000

static char path[48];

static int begin(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	unlink(path);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void append(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static struct jit jit_of_self(void)
{
	return (struct jit){
		.root = open("/", O_PATH | O_CLOEXEC), .pid = getpid(), .uid = geteuid()};
}

static void check(struct perf_maps *m, const struct jit *jit, uint64_t address, const char *name,
		  uint64_t start)
{
	uint64_t found_start = 0;
	const char *found = perf_maps_find(m, jit, address, &found_start);

	if (!name) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_string_equal(found, name);
	assert_int_equal(found_start, start);
}

static void perf_maps_find__entries__the_last_one_counts(void **state)
{
	struct perf_maps *m = perf_maps_new();
	struct jit jit = jit_of_self();

	(void)state;
	append("1000 100 first\n0x2000 0x10 a name with blanks\n1080 20 second\n");
	check(m, &jit, 0x1000, "first", 0x1000);
	check(m, &jit, 0x107f, "first", 0x1000);
	check(m, &jit, 0x1080, "second", 0x1080);
	check(m, &jit, 0x10a0, "first", 0x1000);
	check(m, &jit, 0x1100, NULL, 0);
	check(m, &jit, 0xfff, NULL, 0);
	check(m, &jit, 0x200f, "a name with blanks", 0x2000);
	perf_maps_free(m);
	close(jit.root);
}

static void perf_maps_find__lines_that_make_no_sense__left_out(void **state)
{
	struct perf_maps *m = perf_maps_new();
	struct jit jit = jit_of_self();
	char *line = malloc(200001);

	(void)state;
	assert_non_null(line);
	append("\nx\n1000\n1000 10\n1000 10 \n1000 0 empty\nffffffffffffffff 10 wraps\n"
	       "1000 ffffffffffffffffffff large\n1000 100000000 larger\n");
	memset(line, 'n', 200000);
	memcpy(line, "3000 10 ", 8);
	line[199999] = '\n';
	line[200000] = '\0';
	append(line);
	append("4000 10 good\n5000 10 without an end");
	check(m, &jit, 0x1000, NULL, 0);
	check(m, &jit, UINT64_MAX, NULL, 0);
	check(m, &jit, 0x4000, "good", 0x4000);
	check(m, &jit, 0x5000, NULL, 0);
	free(line);
	perf_maps_free(m);
	close(jit.root);
}

static void perf_maps_find__file_grows__found_within_the_next_second(void **state)
{
	struct perf_maps *m = perf_maps_new();
	struct jit jit = jit_of_self();
	uint64_t until = clock_monotonic_ns() + 60 * NS_PER_S, start;

	(void)state;
	append("1000 10 old\n");
	check(m, &jit, 0x1000, "old", 0x1000);
	append("1000 10 new\n2000 10 other\n");
	while (!perf_maps_find(m, &jit, 0x2000, &start) && clock_monotonic_ns() < until)
		usleep(10000);
	check(m, &jit, 0x2000, "other", 0x2000);
	check(m, &jit, 0x1000, "new", 0x1000);
	perf_maps_free(m);
	close(jit.root);
}

static void perf_maps_find__child__code_of_its_parent(void **state)
{
	struct perf_maps *m = perf_maps_new();
	struct jit parent = jit_of_self(), child = parent;

	(void)state;
	child.pid = INT32_MAX;
	child.parent = &parent;
	append("1000 10 of_parent\n");
	check(m, &child, 0x1000, "of_parent", 0x1000);
	perf_maps_free(m);
	close(parent.root);
}

static void check_refused(void)
{
	struct perf_maps *m = perf_maps_new();
	struct jit jit = jit_of_self();

	check(m, &jit, 0x1000, NULL, 0);
	perf_maps_free(m);
	close(jit.root);
}

static void perf_maps_find__no_file_of_the_process__refused(void **state)
{
	char other[64];

	(void)state;
	snprintf(other, sizeof(other), "%s.other", path);
	append("1000 10 name\n");
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	check_refused();
	unlink(path);
	unlink(other);
	assert_int_equal(mkfifo(path, 0644), 0);
	check_refused();
	unlink(path);
	assert_int_equal(mkdir(path, 0755), 0);
	check_refused();
	rmdir(path);
	if (geteuid() != 0)
		return;
	append("1000 10 name\n");
	assert_int_equal(chown(path, 12345, 12345), 0);
	check_refused();
}

static const struct frame_name *name_of(struct names *n, uint64_t pc)
{
	names_stack(n, 1, pc, 1, &pc, 1);
	assert_int_equal(names_wait(n, WAIT_MS), 0);
	return &names_stack(n, 1, pc, 1, &pc, 1)->frames[0];
}

static void names_stack__generated_code__name_when_it_is_written(void **state)
{
	struct names *n = names_new();
	char *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t pc = (uintptr_t)code + 0x20, until = clock_monotonic_ns() + 60 * NS_PER_S;
	char line[64];

	(void)state;
	assert_true(code != MAP_FAILED);
	assert_int_equal(names_read_process(n, 1, getpid()), 0);
	assert_null(name_of(n, pc)->function);
	snprintf(line, sizeof(line), "%llx 40 LazyCompile:*run /a b.js:1\n",
		 (unsigned long long)(uintptr_t)code + 0x10);
	append(line);
	while (!name_of(n, pc)->function && clock_monotonic_ns() < until)
		usleep(10000);
	assert_non_null(name_of(n, pc)->function);
	assert_string_equal(name_of(n, pc)->function, "LazyCompile:*run /a b.js:1");
	assert_int_equal(name_of(n, pc)->offset, 0x10);
	assert_null(name_of(n, pc)->module);
	munmap(code, 4096);
	names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(perf_maps_find__entries__the_last_one_counts, begin,
						end),
		cmocka_unit_test_setup_teardown(perf_maps_find__lines_that_make_no_sense__left_out,
						begin, end),
		cmocka_unit_test_setup_teardown(
			perf_maps_find__file_grows__found_within_the_next_second, begin, end),
		cmocka_unit_test_setup_teardown(perf_maps_find__child__code_of_its_parent, begin,
						end),
		cmocka_unit_test_setup_teardown(perf_maps_find__no_file_of_the_process__refused,
						begin, end),
		cmocka_unit_test_setup_teardown(
			names_stack__generated_code__name_when_it_is_written, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
