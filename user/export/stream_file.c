/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files for streamed output. The tracer runs as root and writes where others may write too, so a
 * path is opened without following a link, looked at, and only then truncated: a device or a pipe
 * is used as it is, anything else that is no regular file is refused. Pieces are written whole or,
 * as far as the file allows, not at all.
 */
#include "stream_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/io.h"
#include "../base/log.h"
#include "../base/xalloc.h"
#include "output_path.h"

/*
 * Accepts what was opened. A regular file is made empty, unless it is the one that was written so
 * far: reopening a file that nobody moved away must not destroy it.
 */
static int prepare_file(struct stream_file *f)
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

static int open_path(struct stream_file *f)
{
	int source = output_path_descriptor(f->path);
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

static int fail(struct stream_file *f, const char *verb, int err)
{
	log_error("cannot %s '%s': %s", verb, f->path, output_path_reason(err));
	f->error = err;
	if (!f->first_error)
		f->first_error = err;
	return err;
}

static int open_with_header(struct stream_file *f, const char *header)
{
	int err = open_path(f);

	if (err)
		return fail(f, "open", err);
	if (f->good_length > 0)
		return 0;
	return stream_file_write(f, header, strlen(header));
}

int stream_file_open(struct stream_file *f, const char *path, const char *header)
{
	int err;

	*f = (struct stream_file){.path = xstrdup(path), .fd = -1};
	err = open_with_header(f, header);
	if (err)
		stream_file_close(f);
	return err;
}

int stream_file_reopen(struct stream_file *f, const char *header)
{
	/* A descriptor that was handed to us has no name to open again. */
	if (f->fd >= 0 && output_path_descriptor(f->path) >= 0)
		return f->error;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->error = 0;
	return open_with_header(f, header);
}

int stream_file_write_part(struct stream_file *f, const char *data, size_t size)
{
	int err;

	if (f->error)
		return f->error;
	err = io_write(f->fd, data, size);
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

int stream_file_write(struct stream_file *f, const char *data, size_t size)
{
	int err = stream_file_write_part(f, data, size);

	if (err)
		return err;
	if (f->good_length >= 0)
		f->good_length += f->part_length;
	f->part_length = 0;
	return 0;
}

int stream_file_error(const struct stream_file *f)
{
	return f->error;
}

bool stream_file_failed(const struct stream_file *f)
{
	return f->first_error != 0;
}

int stream_file_close(struct stream_file *f)
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
