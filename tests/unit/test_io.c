/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/base/io.c, over files and pipes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../user/base/io.h"

/* A file of this text, open at its start. */
static int file_of(const char *text)
{
	int fd = memfd_create("io", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, text, strlen(text)), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void io_read_at__inside_and_beyond__what_is_there(void **state)
{
	int fd = file_of("0123456789");
	char out[8] = "";

	(void)state;
	assert_int_equal(io_read_at(fd, out, 4, 3), 4);
	assert_memory_equal(out, "3456", 4);
	assert_int_equal(io_read_at(fd, out, 8, 7), 3);
	assert_int_equal(io_read_at(fd, out, 8, 10), 0);
	assert_int_equal(io_read_at(fd, out, 8, INT64_MAX - 7), -EINVAL);
	close(fd);
	assert_int_equal(io_read_at(-1, out, 1, 0), -EBADF);
}

static void io_read_rest__limit__not_more(void **state)
{
	struct buffer text = {0};
	int fd = file_of("0123456789");

	(void)state;
	buffer_add_string(&text, "before ");
	assert_int_equal(io_read_rest(fd, 10, &text), 0);
	assert_string_equal(text.data, "before 0123456789");
	assert_int_equal(io_read_rest(fd, 0, &text), 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(io_read_rest(fd, 9, &text), -EFBIG);
	close(fd);
	assert_int_equal(io_read_rest(-1, 9, &text), -EBADF);
	buffer_done(&text);
}

static void io_read_text__any_size__ends_in_0(void **state)
{
	char out[64], small[4];

	(void)state;
	assert_true(io_read_text("/proc/self/comm", out, sizeof(out)) > 0);
	assert_non_null(strchr(out, '\n'));
	assert_int_equal(io_read_text("/proc/self/status", small, sizeof(small)), 3);
	assert_string_equal(small, "Nam");
	assert_int_equal(io_read_text("/proc/self/nothing", out, sizeof(out)), -ENOENT);
	assert_string_equal(out, "");
}

#define PIPE_BYTES (1u << 20)

static void *drain(void *fd)
{
	static char bytes[4096];
	size_t sum = 0;
	ssize_t n;

	while ((n = read(*(int *)fd, bytes, sizeof(bytes))) > 0)
		sum += (size_t)n;
	return (void *)sum;
}

static void io_write__pipe_that_does_not_block__all_arrives(void **state)
{
	static const char bytes[PIPE_BYTES];
	pthread_t reader;
	void *sum;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(pthread_create(&reader, NULL, drain, &fds[0]), 0);
	assert_int_equal(io_write(fds[1], bytes, sizeof(bytes)), 0);
	close(fds[1]);
	pthread_join(reader, &sum);
	assert_int_equal((size_t)sum, PIPE_BYTES);
	close(fds[0]);
	assert_int_equal(io_write(-1, bytes, 1), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(io_read_at__inside_and_beyond__what_is_there),
		cmocka_unit_test(io_read_rest__limit__not_more),
		cmocka_unit_test(io_read_text__any_size__ends_in_0),
		cmocka_unit_test(io_write__pipe_that_does_not_block__all_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
