/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is believed of a cache directory, and above all what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../user/base/cache_dir.h"

#define MAX 4096

struct fixture {
	char folder[64], path[96];
	int dir;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	umask(022);
	snprintf(f->folder, sizeof(f->folder), "/tmp/tracer-cache-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/cache", f->folder);
	f->dir = cache_dir_open(f->path);
	assert_true(f->dir >= 0);
	*state = f;
	return 0;
}

static size_t remove_all(int dir)
{
	DIR *d = fdopendir(dir);
	struct dirent *e;
	size_t count = 0;

	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) {
			unlinkat(dirfd(d), e->d_name, 0);
			count++;
		}
	}
	closedir(d);
	return count;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	remove_all(f->dir);
	rmdir(f->path);
	rmdir(f->folder);
	free(f);
	return 0;
}

static int read_it(const struct fixture *f, const char *name, const char *key)
{
	size_t bytes;
	void *data;
	int err = cache_dir_read(f->dir, name, key, MAX, &data, &bytes);

	assert_true(err ? !data && !bytes : data != NULL);
	free(data);
	return err;
}

static void put(const struct fixture *f, const char *name, const char *text)
{
	assert_int_equal(cache_dir_write(f->dir, name, "key", text, strlen(text)), 0);
}

static void in_folder(const struct fixture *f, const char *name, char path[192])
{
	snprintf(path, 192, "%s/%s", f->path, name);
}

static void cache_dir_write__then_read__same_bytes(void **state)
{
	struct fixture *f = *state;
	char text[1001];
	size_t bytes;
	void *data;

	memset(text, 'x', sizeof(text));
	text[500] = 0;
	assert_int_equal(cache_dir_write(f->dir, "a", "key", text, sizeof(text)), 0);
	assert_int_equal(cache_dir_read(f->dir, "a", "key", sizeof(text), &data, &bytes), 0);
	assert_int_equal(bytes, sizeof(text));
	assert_memory_equal(data, text, sizeof(text));
	free(data);
	assert_int_equal(cache_dir_write(f->dir, "a", "key", NULL, 0), 0);
	assert_int_equal(cache_dir_read(f->dir, "a", "key", 0, &data, &bytes), 0);
	assert_int_equal(bytes, 0);
	free(data);
}

static void cache_dir_write__twice__newest_and_no_leftover(void **state)
{
	struct fixture *f = *state;
	size_t bytes;
	void *data;

	put(f, "a", "one");
	put(f, "a", "two");
	assert_int_equal(cache_dir_read(f->dir, "a", "key", MAX, &data, &bytes), 0);
	assert_int_equal(bytes, 3);
	assert_memory_equal(data, "two", 3);
	free(data);
	assert_int_equal(remove_all(dup(f->dir)), 1);
}

static void cache_dir_write__name_with_slash__refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cache_dir_write(f->dir, "../a", "key", "x", 1), -EINVAL);
}

static void cache_dir_read__nothing_there__enoent(void **state)
{
	assert_int_equal(read_it(*state, "a", "key"), -ENOENT);
}

static void cache_dir_read__other_key__stale(void **state)
{
	struct fixture *f = *state;

	put(f, "a", "text");
	assert_int_equal(read_it(f, "a", "kez"), -ESTALE);
	assert_int_equal(read_it(f, "a", "ke"), -ESTALE);
	assert_int_equal(read_it(f, "a", "key"), 0);
}

static void cache_dir_read__too_large__refused(void **state)
{
	struct fixture *f = *state;
	size_t bytes;
	void *data;

	put(f, "a", "12345");
	assert_int_equal(cache_dir_read(f->dir, "a", "key", 4, &data, &bytes), -EFBIG);
	assert_null(data);
	assert_int_equal(cache_dir_read(f->dir, "a", "key", SIZE_MAX, &data, &bytes), -EFBIG);
}

/* Each byte of the file changed, and each length that it can be cut to. */
static void cache_dir_read__damaged__never_believed(void **state)
{
	struct fixture *f = *state;
	char path[192], whole[256];
	ssize_t size;
	int fd, i;

	put(f, "a", "some text");
	in_folder(f, "a", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	size = read(fd, whole, sizeof(whole));
	assert_in_range(size, 10, 255);
	for (i = 0; i < size; i++) {
		char other = (char)(whole[i] ^ 1);

		assert_int_equal(pwrite(fd, &other, 1, i), 1);
		assert_int_not_equal(read_it(f, "a", "key"), 0);
		assert_int_equal(pwrite(fd, &whole[i], 1, i), 1);
	}
	assert_int_equal(read_it(f, "a", "key"), 0);
	for (i = (int)size - 1; i >= 0; i--) {
		assert_int_equal(ftruncate(fd, i), 0);
		assert_int_not_equal(read_it(f, "a", "key"), 0);
	}
	close(fd);
}

static void cache_dir_read__link_or_writable_by_others__refused(void **state)
{
	struct fixture *f = *state;
	char path[192], other[192];

	put(f, "a", "text");
	in_folder(f, "a", path);
	in_folder(f, "b", other);
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(read_it(f, "b", "key"), -ELOOP);
	unlink(other);
	assert_int_equal(link(path, other), 0);
	assert_int_equal(read_it(f, "a", "key"), -EPERM);
	unlink(other);
	assert_int_equal(chmod(path, 0620), 0);
	assert_int_equal(read_it(f, "a", "key"), -EPERM);
	assert_int_equal(chmod(path, 0602), 0);
	assert_int_equal(read_it(f, "a", "key"), -EPERM);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(read_it(f, "a", "key"), 0);
}

static void cache_dir_read__pipe_or_directory__refused(void **state)
{
	struct fixture *f = *state;
	char path[192];

	in_folder(f, "p", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(read_it(f, "p", "key"), -EPERM);
	in_folder(f, "d", path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_not_equal(read_it(f, "d", "key"), 0);
	rmdir(path);
}

static void cache_dir_read__of_another_owner__refused(void **state)
{
	struct fixture *f = *state;
	char path[192];

	if (geteuid())
		skip();
	put(f, "a", "text");
	in_folder(f, "a", path);
	assert_int_equal(chown(path, 1, 0), 0);
	assert_int_equal(read_it(f, "a", "key"), -EPERM);
}

static void cache_dir_open__again__same_directory(void **state)
{
	struct fixture *f = *state;
	int dir;

	put(f, "a", "text");
	dir = cache_dir_open(f->path);
	assert_true(dir >= 0);
	assert_int_equal(faccessat(dir, "a", R_OK, 0), 0);
	close(dir);
}

static void cache_dir_open__parent_missing_or_relative__error(void **state)
{
	struct fixture *f = *state;
	char path[192];

	in_folder(f, "x/y", path);
	assert_int_equal(cache_dir_open(path), -ENOENT);
	assert_int_equal(cache_dir_open("tmp"), -EINVAL);
	put(f, "file", "x");
	in_folder(f, "file", path);
	assert_int_equal(cache_dir_open(path), -ENOTDIR);
}

static void cache_dir_open__link_in_path__refused(void **state)
{
	struct fixture *f = *state;
	char path[192], below[200];

	in_folder(f, "link", path);
	assert_int_equal(symlink(f->folder, path), 0);
	assert_true(cache_dir_open(path) < 0);
	snprintf(below, sizeof(below), "%s/cache", path);
	assert_true(cache_dir_open(below) < 0);
}

static void cache_dir_open__others_may_write__refused(void **state)
{
	struct fixture *f = *state;
	int dir;

	assert_int_equal(chmod(f->path, 0770), 0);
	assert_int_equal(cache_dir_open(f->path), -EPERM);
	assert_int_equal(chmod(f->path, 0700), 0);
	assert_int_equal(chmod(f->folder, 0777), 0);
	assert_int_equal(cache_dir_open(f->path), -EPERM);
	assert_int_equal(chmod(f->folder, 01777), 0);
	dir = cache_dir_open(f->path);
	assert_true(dir >= 0);
	close(dir);
}

static void cache_dir_open__of_another_owner__refused(void **state)
{
	struct fixture *f = *state;

	if (geteuid())
		skip();
	assert_int_equal(chown(f->path, 1, 0), 0);
	assert_int_equal(cache_dir_open(f->path), -EPERM);
	assert_int_equal(chown(f->path, 0, 0), 0);
	assert_int_equal(chown(f->folder, 1, 0), 0);
	assert_int_equal(cache_dir_open(f->path), -EPERM);
	assert_int_equal(chown(f->folder, 0, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cache_dir_write__then_read__same_bytes),
		TEST(cache_dir_write__twice__newest_and_no_leftover),
		TEST(cache_dir_write__name_with_slash__refused),
		TEST(cache_dir_read__nothing_there__enoent),
		TEST(cache_dir_read__other_key__stale),
		TEST(cache_dir_read__too_large__refused),
		TEST(cache_dir_read__damaged__never_believed),
		TEST(cache_dir_read__link_or_writable_by_others__refused),
		TEST(cache_dir_read__pipe_or_directory__refused),
		TEST(cache_dir_read__of_another_owner__refused),
		TEST(cache_dir_open__again__same_directory),
		TEST(cache_dir_open__parent_missing_or_relative__error),
		TEST(cache_dir_open__link_in_path__refused),
		TEST(cache_dir_open__others_may_write__refused),
		TEST(cache_dir_open__of_another_owner__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
