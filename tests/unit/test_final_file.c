/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/export/final_file.c and output_path.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../user/base/log.h"
#include "../../user/export/final_file.h"
#include "../../user/export/output_path.h"

struct fixture {
	char folder[40];
	char path[64], other[64];
	char text[256];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->folder, "/tmp/test_final_file.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/out", f->folder);
	snprintf(f->other, sizeof(f->other), "%s/other", f->folder);
	log_capture(true);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	unlink(f->other);
	assert_int_equal(rmdir(f->folder), 0); /* and nothing else was left in it */
	free(f);
	return 0;
}

static const char *contents(struct fixture *f, const char *path)
{
	FILE *file = fopen(path, "re");
	size_t length;

	assert_non_null(file);
	length = fread(f->text, 1, sizeof(f->text) - 1, file);
	f->text[length] = '\0';
	fclose(file);
	return f->text;
}

static void make(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int write_once(const char *path, const char *text)
{
	struct final_file file;
	int err = final_file_open(&file, path);

	if (err)
		return err;
	if (final_file_begin(&file) == 0)
		final_file_write(&file, text, strlen(text));
	final_file_end(&file, true, NULL);
	return final_file_close(&file);
}

static unsigned int entries(const struct fixture *f)
{
	DIR *folder = opendir(f->folder);
	unsigned int n = 0;

	assert_non_null(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n - 2;
}

static void final_file_end__good__file_is_there_and_only_then(void **state)
{
	struct fixture *f = *state;
	struct final_file file;

	assert_int_equal(final_file_open(&file, f->path), 0);
	assert_int_equal(entries(f), 0);
	assert_int_equal(final_file_begin(&file), 0);
	assert_int_equal(final_file_write(&file, "ab", 2), 0);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(final_file_write(&file, "c\n", 2), 0);
	assert_int_equal(final_file_end(&file, true, NULL), 0);
	assert_string_equal(contents(f, f->path), "abc\n");
	assert_int_equal(entries(f), 1);
	assert_int_equal(final_file_close(&file), 0);
}

static void final_file_end__not_good__old_file_untouched(void **state)
{
	struct fixture *f = *state;
	struct final_file file;

	make(f->path, "old", 0600);
	assert_int_equal(final_file_open(&file, f->path), 0);
	assert_int_equal(final_file_begin(&file), 0);
	assert_int_equal(final_file_write(&file, "new", 3), 0);
	assert_string_equal(contents(f, f->path), "old");
	assert_int_equal(final_file_end(&file, false, NULL), 0);
	assert_int_equal(final_file_close(&file), 0);
	assert_string_equal(contents(f, f->path), "old");
}

static void final_file_begin__again__replaced_as_a_whole(void **state)
{
	struct fixture *f = *state;
	struct final_file file;
	struct stat st;

	make(f->path, "a much longer old file", 0640);
	assert_int_equal(chmod(f->path, 0640), 0);
	assert_int_equal(final_file_open(&file, f->path), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(final_file_begin(&file), 0);
		assert_int_equal(final_file_write(&file, i ? "two" : "first", i ? 3 : 5), 0);
		assert_int_equal(final_file_end(&file, true, NULL), 0);
		assert_string_equal(contents(f, f->path), i ? "two" : "first");
	}
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(final_file_close(&file), 0);
}

static void final_file_open__link__refused(void **state)
{
	struct fixture *f = *state;

	make(f->other, "mine", 0600);
	assert_int_equal(symlink(f->other, f->path), 0);
	assert_int_equal(write_once(f->path, "x"), -ELOOP);
	assert_string_equal(contents(f, f->other), "mine");
}

static void final_file_end__link_put_there_meanwhile__neither_followed_nor_replaced(void **state)
{
	struct fixture *f = *state;
	struct final_file file;
	struct stat st;

	make(f->other, "mine", 0600);
	assert_int_equal(final_file_open(&file, f->path), 0);
	assert_int_equal(final_file_begin(&file), 0);
	assert_int_equal(final_file_write(&file, "x", 1), 0);
	assert_int_equal(symlink(f->other, f->path), 0);
	assert_int_equal(final_file_end(&file, true, NULL), -ELOOP);
	assert_string_equal(contents(f, f->other), "mine");
	assert_int_equal(lstat(f->path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(entries(f), 2);
	assert_int_equal(final_file_close(&file), -ELOOP);
}

static void final_file_open__no_file__refused(void **state)
{
	struct fixture *f = *state;
	char path[80];

	assert_int_equal(write_once(f->folder, "x"), -EISDIR);
	snprintf(path, sizeof(path), "%s/", f->folder);
	assert_int_equal(write_once(path, "x"), -EISDIR);
	snprintf(path, sizeof(path), "%s/none/out", f->folder);
	assert_int_equal(write_once(path, "x"), -ENOENT);
	make(f->other, "", 0600);
	snprintf(path, sizeof(path), "%s/out", f->other);
	assert_int_equal(write_once(path, "x"), -ENOTDIR);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(write_once(f->path, "x"), -ENXIO);
}

static void final_file_write__device__in_place(void **state)
{
	(void)state;
	assert_int_equal(write_once("/dev/null", "x"), 0);
	assert_int_equal(write_once("/dev/full", "x"), -ENOSPC);
}

static void final_file_write__no_room__nothing_is_left(void **state)
{
	const struct rlimit small = {4, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
	struct fixture *f = *state;
	struct final_file file;

	make(f->path, "old", 0600);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(final_file_open(&file, f->path), 0);
	assert_int_equal(final_file_begin(&file), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(final_file_write(&file, "too long", 8), -EFBIG);
	assert_int_equal(final_file_write(&file, "x", 1), -EFBIG);
	assert_int_equal(final_file_end(&file, true, NULL), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_string_equal(contents(f, f->path), "old");
	assert_int_equal(entries(f), 1);
	/* and the next time there is room again, but the failure is not forgotten */
	assert_int_equal(final_file_begin(&file), 0);
	assert_int_equal(final_file_write(&file, "too long", 8), 0);
	assert_int_equal(final_file_end(&file, true, NULL), 0);
	assert_string_equal(contents(f, f->path), "too long");
	assert_int_equal(final_file_close(&file), -EFBIG);
}

static void output_path_same__two_spellings__same(void **state)
{
	struct fixture *f = *state;
	char spelled[96];

	snprintf(spelled, sizeof(spelled), "%s/../%s/out", f->folder, strrchr(f->folder, '/') + 1);
	assert_true(output_path_same(f->path, spelled)); /* not there yet */
	assert_false(output_path_same(f->path, f->other));
	make(f->path, "", 0600);
	assert_int_equal(link(f->path, f->other), 0);
	assert_true(output_path_same(f->path, f->other));
	assert_true(output_path_same("-", "/dev/stdout"));
	assert_true(output_path_same("-", "/proc/self/fd/1"));
	assert_false(output_path_same("-", "/dev/stderr"));
	assert_false(output_path_same("-", f->path));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(final_file_end__good__file_is_there_and_only_then),
		TEST(final_file_end__not_good__old_file_untouched),
		TEST(final_file_begin__again__replaced_as_a_whole),
		TEST(final_file_open__link__refused),
		TEST(final_file_end__link_put_there_meanwhile__neither_followed_nor_replaced),
		TEST(final_file_open__no_file__refused),
		TEST(final_file_write__device__in_place),
		TEST(final_file_write__no_room__nothing_is_left),
		TEST(output_path_same__two_spellings__same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
