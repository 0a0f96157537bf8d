/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files beside those that a process has mapped: regular ones only, and below its own root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../user/target/mapped_file.h"

struct fixture {
	char root[64];
};

static const char *below(const struct fixture *f, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s%s", f->root, name);
	return path;
}

static void put(const struct fixture *f, const char *name)
{
	int fd = open(below(f, name), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, name, strlen(name)), strlen(name));
	close(fd);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->root, sizeof(f->root), "/tmp/tracer-root-XXXXXX");
	assert_non_null(mkdtemp(f->root));
	assert_int_equal(chmod(f->root, 0755), 0);
	put(f, "/file");
	assert_int_equal(mkfifo(below(f, "/pipe"), 0644), 0);
	assert_int_equal(symlink("/file", below(f, "/link")), 0);
	assert_int_equal(symlink("../../../../../file", below(f, "/up")), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"/file", "/pipe", "/link", "/up"};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(below(f, names[i]));
	rmdir(f->root);
	free(f);
	return 0;
}

static void assert_is_file(int fd)
{
	char text[16] = "";

	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), strlen("/file"));
	assert_string_equal(text, "/file");
	close(fd);
}

static void mapped_file_open_beside__own_root__regular_files_only(void **state)
{
	const struct fixture *f = *state;

	assert_is_file(mapped_file_open_beside(0, below(f, "/file")));
	/* would block for ever if it were opened */
	assert_int_equal(mapped_file_open_beside(0, below(f, "/pipe")), -EINVAL);
	assert_int_equal(mapped_file_open_beside(0, f->root), -EINVAL);
	assert_int_equal(mapped_file_open_beside(0, "/dev/null"), -EINVAL);
	assert_int_equal(mapped_file_open_beside(0, below(f, "/nothing")), -ENOENT);
}

static void mapped_file_open_beside__process_with_our_root__not_looked_at_twice(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(mapped_file_open_beside(getpid(), below(f, "/file")), -ENOENT);
}

/* A process that has `root` as its root, until it is killed. */
static pid_t start_below(const char *root)
{
	int ready[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (chroot(root) || chdir("/"))
			_exit(1);
		c = write(ready[1], "r", 1) == 1;
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void mapped_file_open_beside__process_with_another_root__never_out_of_it(void **state)
{
	const struct fixture *f = *state;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	pid = start_below(f->root);
	assert_is_file(mapped_file_open_beside(pid, "/file"));
	assert_is_file(mapped_file_open_beside(pid, "/link"));
	assert_is_file(mapped_file_open_beside(pid, "/up"));
	assert_int_equal(mapped_file_open_beside(pid, "/pipe"), -EINVAL);
	assert_int_equal(mapped_file_open_beside(pid, below(f, "/file")), -ENOENT);
	assert_int_equal(mapped_file_open_beside(pid, "/nothing"), -ENOENT);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void mapped_file_open_beside__no_process__error(void **state)
{
	(void)state;
	assert_true(mapped_file_open_beside(INT32_MAX, "/etc/passwd") < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mapped_file_open_beside__own_root__regular_files_only),
		TEST(mapped_file_open_beside__process_with_our_root__not_looked_at_twice),
		TEST(mapped_file_open_beside__process_with_another_root__never_out_of_it),
		TEST(mapped_file_open_beside__no_process__error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
