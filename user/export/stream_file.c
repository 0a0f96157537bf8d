/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files for streamed output. The tracer runs as root and writes where others may write too, so a
 * path is opened without following a link, looked at, and only then truncated: a device or a pipe
 * is used as it is, anything else that is no regular file is refused. Pieces are written whole or,
 * as far as the file allows, not at all. Nothing but regular files is ever waited for, unless somebody asks to.
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
#include "pipe_writer.h"

#define AWAIT_MS  10
#define SAY_MS	  1000
#define SETTLE_MS 100
#define CLOSE_MS  1000

static bool is_same(const struct stream_file *f, const struct stat *st)
{
	return st->st_dev == f->device && st->st_ino == f->inode;
}

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
		f->good_length = is_same(f, &st) ? lseek(f->fd, 0, SEEK_END) : 0;
		if (f->good_length < 0 || ftruncate(f->fd, f->good_length) < 0)
			return -errno;
	}
	f->device = st.st_dev;
	f->inode = st.st_ino;
	/* Needed only so that opening a pipe does not wait for its reader. */
	flags = fcntl(f->fd, F_GETFL);
	if (flags < 0 || fcntl(f->fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* Without memory for a thread it is written all the same, and whoever writes waits for the reader. */
static int begin_pipe(struct stream_file *f)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		return 0;
	f->pipe = pipe_writer_new(f->fd);
	if (!f->pipe)
		log_warn(
			"cannot start a thread for '%s': %s; a slow reader of it holds up all else",
			f->path, strerror(errno));
	return 0;
}

static int open_path(struct stream_file *f)
{
	int source = output_path_descriptor(f->path);
	int err = 0;

	f->good_length = -1;
	f->fd = source >= 0
			? fcntl(source, F_DUPFD_CLOEXEC, 3)
			: open(f->path,
			       O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
			       0666);
	if (f->fd < 0)
		return -errno;
	if (source < 0)
		err = prepare_file(f);
	if (!err)
		err = begin_pipe(f);
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

/* What waits for a reader goes with it. */
static int close_file(struct stream_file *f)
{
	int err = 0;

	pipe_writer_free(f->pipe);
	f->pipe = NULL;
	if (f->fd >= 0 && close(f->fd) < 0)
		err = -errno;
	f->fd = -1;
	return err;
}

static int open_with_header(struct stream_file *f, const char *header)
{
	int err = open_path(f);

	if (err)
		return fail(f, "open", err);
	if (f->good_length > 0)
		return 0;
	err = stream_file_write(f, header, strlen(header));
	return err ? err : stream_file_settle(f, NULL);
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

static bool is_still_there(const struct stream_file *f)
{
	struct stat st;

	return stat(f->path, &st) == 0 && is_same(f, &st);
}

static void give_up(struct stream_file *f)
{
	size_t bytes = stream_file_waiting(f);

	pipe_writer_free(f->pipe);
	f->pipe = NULL;
	if (!bytes)
		return;
	log_error("cannot write '%s': its reader has not taken the last %zu bytes", f->path, bytes);
	f->error = -EPIPE;
	if (!f->first_error)
		f->first_error = f->error;
}

int stream_file_reopen(struct stream_file *f, const char *header)
{
	int err = stream_file_error(f);

	/* A descriptor that was handed to us has no name to open again. */
	if (f->fd >= 0 && output_path_descriptor(f->path) >= 0)
		return err;
	/* Nor need a pipe be opened that is still there, with what waits for its reader. */
	if (!err && f->pipe && is_still_there(f))
		return stream_file_write(f, header, strlen(header));
	if (f->pipe && !err)
		give_up(f);
	close_file(f);
	f->error = 0;
	return open_with_header(f, header);
}

int stream_file_write_part(struct stream_file *f, const char *data, size_t size)
{
	int err = stream_file_error(f);

	if (err)
		return err;
	if (f->pipe) {
		pipe_writer_add(f->pipe, data, size);
		return 0;
	}
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

bool stream_file_has_room(const struct stream_file *f)
{
	return stream_file_waiting(f) < PIPE_WRITER_ROOM;
}

size_t stream_file_waiting(const struct stream_file *f)
{
	return f->pipe ? pipe_writer_waiting(f->pipe) : 0;
}

/* Until so many bytes wait at most. */
static bool await(struct stream_file *f, size_t most, struct breath *breath)
{
	int waited_ms = 0;

	while (f->pipe && !pipe_writer_wait(f->pipe, most, AWAIT_MS)) {
		breath_take(breath);
		if (breath && breath->give_up)
			return false;
		waited_ms += AWAIT_MS;
		if (waited_ms >= SAY_MS && !f->wait_said) {
			f->wait_said = true;
			log_info("waiting for the reader of '%s' to take %zu bytes (Ctrl-C: not)",
				 f->path, stream_file_waiting(f));
		}
	}
	return true;
}

bool stream_file_await_room(struct stream_file *f, struct breath *breath)
{
	return await(f, PIPE_WRITER_ROOM - 1, breath);
}

int stream_file_settle(struct stream_file *f, const struct breath *breath)
{
	if (f->pipe && !breath)
		pipe_writer_wait(f->pipe, 0, SETTLE_MS);
	return stream_file_error(f);
}

void stream_file_finish(struct stream_file *f, struct breath *breath)
{
	if (!f->pipe)
		return;
	if (!await(f, 0, breath))
		give_up(f);
	stream_file_error(f);
}

int stream_file_error(struct stream_file *f)
{
	int err = f->pipe ? pipe_writer_error(f->pipe) : 0;

	if (err && !f->error)
		fail(f, "write", err);
	return f->error;
}

int stream_file_close(struct stream_file *f)
{
	int err;

	if (f->pipe && !pipe_writer_wait(f->pipe, 0, CLOSE_MS))
		give_up(f);
	stream_file_error(f);
	err = close_file(f);
	/* Some file systems say only now that there was no room. */
	if (err && err != -EINTR && !f->error)
		fail(f, "write", err);
	free(f->path);
	f->path = NULL;
	return f->first_error;
}
