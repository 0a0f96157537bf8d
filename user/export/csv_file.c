/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files for streamed output. The tracer runs as root and writes where others may write too, so a
 * path is opened without following a link, looked at, and only then truncated: a device or a pipe
 * is used as it is, anything else that is no regular file is refused. Pieces are written whole or,
 * as far as the file allows, not at all.
 */
#include "csv_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/log.h"
#include "../base/units.h"
#include "../base/xalloc.h"

static const char *reason_text(int err)
{
	switch (-err) {
	case ELOOP:
		return "it is a symbolic link, and links are not followed; name the file itself";
	case EISDIR: return "it is a directory; name a file in it";
	case ENXIO: return "it is a pipe that nobody reads, or no such device";
	case ENOSPC: return "no space left on the device; free some and send SIGHUP";
	case EPIPE: return "its reader has gone";
	case EBADFD: return "it is neither a regular file nor a pipe nor a character device";
	default: return strerror(-err);
	}
}

/* The descriptor that a path stands for: these names are links, and the only ones that are meant.
 * -1: none. */
static int path_descriptor(const char *path)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
	uint64_t number;
	size_t i;

	if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t length = strlen(folders[i]);

		if (strncmp(path, folders[i], length) != 0)
			continue;
		if (units_parse_u64(path + length, &number) && number < 1 << 20)
			return (int)number;
	}
	return -1;
}

/*
 * Accepts what was opened. A regular file is made empty, unless it is the one that was written so
 * far: reopening a file that nobody moved away must not destroy it.
 */
static int prepare_file(struct csv_file *f)
{
	struct stat st;
	int flags;

	if (fstat(f->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return -EBADFD;
	if (S_ISREG(st.st_mode)) {
		f->good_length = 0;
		if (st.st_dev == f->device && st.st_ino == f->inode)
			f->good_length = lseek(f->fd, 0, SEEK_END);
		if (f->good_length < 0 || ftruncate(f->fd, f->good_length) < 0)
			return -errno;
		f->device = st.st_dev;
		f->inode = st.st_ino;
	}
	/* Needed only so that opening a pipe does not wait for its reader. */
	flags = fcntl(f->fd, F_GETFL);
	if (flags < 0 || fcntl(f->fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static int open_path(struct csv_file *f)
{
	int source = path_descriptor(f->path);
	int err;

	f->good_length = -1;
	if (source >= 0) {
		f->fd = fcntl(source, F_DUPFD_CLOEXEC, 3);
		return f->fd < 0 ? -errno : 0;
	}
	f->fd = open(f->path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		     0666);
	if (f->fd < 0)
		return -errno;
	err = prepare_file(f);
	if (err) {
		close(f->fd);
		f->fd = -1;
	}
	return err;
}

static int fail(struct csv_file *f, const char *verb, int err)
{
	log_error("cannot %s '%s': %s", verb, f->path, reason_text(err));
	f->error = err;
	if (!f->first_error)
		f->first_error = err;
	return err;
}

static int open_with_header(struct csv_file *f, const char *header)
{
	int err = open_path(f);

	if (err)
		return fail(f, "open", err);
	if (f->good_length > 0)
		return 0;
	return csv_file_write(f, header, strlen(header));
}

int csv_file_open(struct csv_file *f, const char *path, const char *header)
{
	int err;

	*f = (struct csv_file){.path = xstrdup(path), .fd = -1};
	err = open_with_header(f, header);
	if (err)
		csv_file_close(f);
	return err;
}

int csv_file_reopen(struct csv_file *f, const char *header)
{
	/* A descriptor that was handed to us has no name to open again. */
	if (f->fd >= 0 && path_descriptor(f->path) >= 0)
		return f->error;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->error = 0;
	return open_with_header(f, header);
}

/* stdout may have been made non-blocking by whoever shares it. */
static int wait_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, data, size);
		int err = written < 0 ? -errno : 0;

		if (err == -EAGAIN)
			err = wait_writable(fd);
		if (err && err != -EINTR)
			return err;
		if (written <= 0)
			continue;
		data += written;
		size -= (size_t)written;
	}
	return 0;
}

int csv_file_write_part(struct csv_file *f, const char *data, size_t size)
{
	int err;

	if (f->error)
		return f->error;
	err = write_all(f->fd, data, size);
	if (!err) {
		f->part_length += (off_t)size;
		return 0;
	}
	f->part_length = 0;
	/* Best effort: the failure itself is what counts. */
	if (f->good_length >= 0 && ftruncate(f->fd, f->good_length) == 0)
		lseek(f->fd, f->good_length, SEEK_SET);
	return fail(f, "write", err);
}

int csv_file_write(struct csv_file *f, const char *data, size_t size)
{
	int err = csv_file_write_part(f, data, size);

	if (err)
		return err;
	if (f->good_length >= 0)
		f->good_length += f->part_length;
	f->part_length = 0;
	return 0;
}

int csv_file_error(const struct csv_file *f)
{
	return f->error;
}

bool csv_file_failed(const struct csv_file *f)
{
	return f->first_error != 0;
}

int csv_file_close(struct csv_file *f)
{
	int err = 0;

	if (f->fd >= 0 && close(f->fd) < 0)
		err = -errno;
	/* Some file systems say only now that there was no room. */
	if (err && err != -EINTR && !f->error)
		fail(f, "write", err);
	free(f->path);
	f->path = NULL;
	f->fd = -1;
	return f->first_error;
}
