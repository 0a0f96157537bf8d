/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of a cache directory go when it is full, and which are left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "../../user/base/cache_trim.h"

struct fixture {
	char path[64];
	int dir;
};

static const char *const names[] = {"a.t", "b.t", "c.t", ".new-1-d.t", ".new-2-e.t", "secret"};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/tracer-trim-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(f->dir, names[i], 0);
	close(f->dir);
	rmdir(f->path);
	free(f);
	return 0;
}

static void put(const struct fixture *f, const char *name, off_t bytes, time_t age)
{
	struct timespec times[2] = {{time(NULL) - age, 0}, {time(NULL) - age, 0}};
	int fd = openat(f->dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static bool is_there(const struct fixture *f, const char *name)
{
	return !faccessat(f->dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

static void cache_trim__room__all_stay(void **state)
{
	const struct fixture *f = *state;

	put(f, "a.t", 100, 3);
	put(f, "b.t", 50, 2);
	assert_int_equal(cache_trim(f->dir, ".t", 150), 150);
	assert_true(is_there(f, "a.t") && is_there(f, "b.t"));
}

static void cache_trim__too_much__oldest_go(void **state)
{
	const struct fixture *f = *state;

	put(f, "a.t", 100, 10);
	put(f, "b.t", 100, 30);
	put(f, "c.t", 100, 20);
	assert_int_equal(cache_trim(f->dir, ".t", 150), 100);
	assert_true(is_there(f, "a.t"));
	assert_false(is_there(f, "b.t") || is_there(f, "c.t"));
}

static void cache_touch__old_file__stays_longest(void **state)
{
	const struct fixture *f = *state;

	put(f, "a.t", 100, 10);
	put(f, "b.t", 100, 30);
	cache_touch(f->dir, "b.t");
	assert_int_equal(cache_trim(f->dir, ".t", 100), 100);
	assert_true(is_there(f, "b.t"));
	assert_false(is_there(f, "a.t"));
}

static void cache_trim__other_suffix__not_touched(void **state)
{
	const struct fixture *f = *state;

	put(f, "secret", 100, 100);
	put(f, "a.t", 100, 10);
	assert_int_equal(cache_trim(f->dir, ".t", 0), 0);
	assert_true(is_there(f, "secret"));
	assert_false(is_there(f, "a.t"));
}

static void cache_trim__half_written__only_old_ones_go(void **state)
{
	const struct fixture *f = *state;

	put(f, ".new-1-d.t", 100, 2 * 3600);
	put(f, ".new-2-e.t", 100, 60);
	assert_int_equal(cache_trim(f->dir, ".t", 1000), 0);
	assert_false(is_there(f, ".new-1-d.t"));
	assert_true(is_there(f, ".new-2-e.t"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cache_trim__room__all_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cache_trim__too_much__oldest_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cache_touch__old_file__stays_longest, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(cache_trim__other_suffix__not_touched, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(cache_trim__half_written__only_old_ones_go, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
