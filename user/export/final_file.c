/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files written at the end. The tracer runs as root and writes where others may write too: the directory is
 * opened once and everything happens relative to it, the file under its first name is created by us or not
 * at all, and what stands under the final name is looked at before it is replaced.
 *
 * Invariant: at any moment, also after a kill or a full disk, the final name is either what it was before or
 * the whole new file. A file that is replaced passes its owner and mode on.
 */
#include "final_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/io.h"
#include "../base/log.h"
#include "../base/xalloc.h"
#include "file_sync.h"
#include "output_path.h"

#define TRIES 100

static int fail(struct final_file *f, const char *verb, int err)
{
	const char *reason = output_path_reason(err);

	if (err == -ENOSPC)
		reason = "no space left on the device; what was there before is untouched";
	if (!f->error)
		log_error("cannot %s '%s': %s", verb, f->path, reason);
	f->error = err;
	if (!f->first_error)
		f->first_error = err;
	return err;
}

static const char *base_name(const struct final_file *f)
{
	const char *slash = strrchr(f->path, '/');

	return slash ? slash + 1 : f->path;
}

static int open_folder(struct final_file *f)
{
	const char *name = base_name(f);
	char *folder = name == f->path ? xstrdup(".") : xstrndup(f->path, (size_t)(name - f->path));
	int err = 0;

	f->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->folder < 0)
		err = -errno;
	free(folder);
	return !err && !*name ? -EISDIR : err;
}

static void close_folder(struct final_file *f)
{
	if (f->folder >= 0)
		close(f->folder);
	f->folder = -1;
}

/* What stands under the final name: a file of which `st` is filled, or nothing (st->st_mode is 0). */
static int look(const struct final_file *f, struct stat *st)
{
	*st = (struct stat){0};
	if (fstatat(f->folder, base_name(f), st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(st->st_mode))
		return -ELOOP;
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	return S_ISREG(st->st_mode) ? 0 : -EBADFD;
}

/* Nobody may read a file before it has the mode of the one that it replaces. */
static int create(struct final_file *f, const struct stat *old)
{
	mode_t mode = old->st_mode ? 0600 : 0666;
	int i;

	for (i = 0; i < TRIES; i++) {
		snprintf(f->name, sizeof(f->name), ".tracer-%d-%d.tmp", (int)getpid(), i);
		f->fd = openat(f->folder, f->name,
			       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (f->fd >= 0 || errno != EEXIST)
			break;
	}
	if (f->fd < 0)
		return -errno;
	if (old->st_mode && (fchown(f->fd, old->st_uid, old->st_gid) < 0 ||
			     fchmod(f->fd, old->st_mode & 07777) < 0))
		return -errno;
	return 0;
}

static void discard(struct final_file *f)
{
	if (f->fd >= 0) {
		close(f->fd);
		unlinkat(f->folder, f->name, 0);
	}
	f->fd = -1;
	close_folder(f);
}

static int begin_replacing(struct final_file *f)
{
	struct stat old;
	int err = open_folder(f);

	if (!err)
		err = look(f, &old);
	if (!err)
		err = create(f, &old);
	if (err)
		discard(f);
	return err;
}

/* Devices and pipes are opened, and their readers kept, from the start. */
static bool is_in_place(const char *path)
{
	struct stat st;

	if (output_path_descriptor(path) >= 0)
		return true;
	return lstat(path, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode));
}

int final_file_open(struct final_file *f, const char *path)
{
	int err;

	*f = (struct final_file){.path = xstrdup(path), .folder = -1, .fd = -1};
	f->in_place = is_in_place(path);
	if (f->in_place) {
		err = stream_file_open(&f->stream, path, "");
	} else {
		err = begin_replacing(f);
		discard(f);
		if (err)
			fail(f, "open", err);
	}
	if (err)
		free(f->path);
	return err;
}

int final_file_begin(struct final_file *f)
{
	int err;

	f->error = 0;
	if (f->in_place)
		return stream_file_error(&f->stream);
	err = begin_replacing(f);
	return err ? fail(f, "write", err) : 0;
}

int final_file_write(struct final_file *f, const char *data, size_t size)
{
	int err;

	if (f->in_place)
		return stream_file_write(&f->stream, data, size);
	if (f->error)
		return f->error;
	err = io_write(f->fd, data, size);
	return err ? fail(f, "write", err) : 0;
}

/* A link that was put there meanwhile is not replaced either: whoever did that wants something else. */
static int put_in_place(struct final_file *f, struct breath *breath)
{
	struct stat now;
	int fd = f->fd, err = file_sync(fd, breath);

	if (err)
		return err;
	f->fd = -1;
	if (close(fd) < 0 && errno != EINTR)
		err = -errno;
	else
		err = look(f, &now);
	if (!err && renameat(f->folder, f->name, f->folder, base_name(f)) < 0)
		err = -errno;
	if (err)
		unlinkat(f->folder, f->name, 0);
	else
		file_sync(f->folder, breath); /* not every file system can, and the file is there */
	return err;
}

int final_file_end(struct final_file *f, bool good, struct breath *breath)
{
	int err = 0;

	if (f->in_place)
		return stream_file_settle(&f->stream, breath);
	if (good && !f->error && f->fd >= 0) {
		err = put_in_place(f, breath);
		if (err)
			fail(f, "write", err);
	}
	discard(f);
	return f->error;
}

int final_file_reopen(struct final_file *f)
{
	return f->in_place ? stream_file_reopen(&f->stream, "") : 0;
}

int final_file_close(struct final_file *f)
{
	int err = f->first_error;

	if (f->in_place)
		err = stream_file_close(&f->stream);
	else
		discard(f);
	free(f->path);
	f->path = NULL;
	return err;
}
