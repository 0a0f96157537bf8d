/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

ssize_t io_read_at(int fd, void *out, size_t bytes, uint64_t offset)
{
	size_t done = 0;

	if (offset > INT64_MAX - bytes)
		return -EINVAL;
	while (done < bytes) {
		ssize_t n = pread(fd, (char *)out + done, bytes - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int io_read_rest(int fd, size_t most, struct buffer *out)
{
	size_t before = out->length;
	char piece[65536];

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		buffer_add(out, piece, (size_t)n);
		if (out->length - before > most)
			return -EFBIG;
	}
}

ssize_t io_read_text(const char *path, char *out, size_t size)
{
	size_t length = 0;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

	out[0] = '\0';
	if (fd < 0)
		return -errno;
	while (length < size - 1) {
		n = read(fd, out + length, size - 1 - length);
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	close(fd);
	out[length] = '\0';
	return err ? err : (ssize_t)length;
}

/* Whoever gave us the descriptor may have made it not block. */
static int wait_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

int io_write(int fd, const void *data, size_t bytes)
{
	const char *at = data;

	while (bytes) {
		ssize_t n = write(fd, at, bytes);
		int err = n < 0 ? -errno : 0;

		if (err == -EAGAIN)
			err = wait_writable(fd);
		if (err && err != -EINTR)
			return err;
		if (n <= 0)
			continue;
		at += n;
		bytes -= (size_t)n;
	}
	return 0;
}
