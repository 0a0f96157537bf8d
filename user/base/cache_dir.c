// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A path is walked component by component from the root, none of them a link. A directory in which
 * others may write is passed only when it is sticky: there they cannot rename or remove what is
 * ours. A file is written under another name and renamed.
 *
 *   file = header, key, payload. The sum is over key and payload: it finds files that a crash of
 *   the machine cut short, not forgeries, which the ownership rules out.
 */
#include "cache_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "io.h"

#define MAGIC	   0x3145484341435254ull /* "TRCACHE1" */
#define NAME_BYTES 256

struct header {
	uint64_t magic, key_bytes, bytes, sum;
};

static bool others_write(const struct stat *st)
{
	return st->st_mode & (S_IWGRP | S_IWOTH);
}

/* May a path go through this directory? */
static int check_parent(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return -EPERM;
	return others_write(&st) && !(st.st_mode & S_ISVTX) ? -EPERM : 0;
}

static int check_own(int fd, struct stat *st)
{
	if (fstat(fd, st))
		return -errno;
	return st->st_uid != geteuid() || others_write(st) ? -EPERM : 0;
}

/* Goes down by one name; the descriptor of the parent is closed. */
static int descend(int parent, const char *name, bool make)
{
	int fd = -1, err = check_parent(parent);

	if (!err && make && mkdirat(parent, name, 0700) && errno != EEXIST)
		err = -errno;
	if (!err) {
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		err = fd < 0 ? -errno : fd;
	}
	close(parent);
	return err;
}

int cache_dir_open(const char *path)
{
	char *copy, *rest, *name;
	struct stat st;
	int fd, err;

	if (path[0] != '/')
		return -EINVAL;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	for (rest = copy; fd >= 0 && (name = strsep(&rest, "/"));) {
		if (*name)
			fd = descend(fd, name, !rest || !*rest);
	}
	free(copy);
	err = fd < 0 ? fd : check_own(fd, &st);
	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

int cache_dir_open_file(int dir, const char *name, size_t max, size_t *bytes)
{
	/* not blocking: something may have put a pipe there */
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), err;
	struct stat st;

	*bytes = 0;
	if (fd < 0)
		return -errno;
	err = check_own(fd, &st);
	/* no name at all: it was replaced after it was opened */
	if (!err && (!S_ISREG(st.st_mode) || st.st_nlink > 1))
		err = -EPERM;
	if (!err && (uint64_t)st.st_size > max)
		err = -EFBIG;
	if (err) {
		close(fd);
		return err;
	}
	*bytes = (size_t)st.st_size;
	return fd;
}

static int read_whole(int fd, char *to, size_t bytes)
{
	ssize_t n = io_read_at(fd, to, bytes, 0);

	return n < 0 ? (int)n : (size_t)n == bytes ? 0 : -EBADMSG;
}

/* FNV-1a over words of eight bytes: payloads can be many megabytes. */
static uint64_t add_sum(uint64_t sum, const void *data, size_t bytes)
{
	const char *at = data;
	uint64_t word;

	for (; bytes; at += sizeof(word)) {
		size_t n = bytes < sizeof(word) ? bytes : sizeof(word);

		word = 0;
		memcpy(&word, at, n);
		sum = (sum ^ word) * 0x100000001b3ull;
		sum ^= sum >> 29;
		bytes -= n;
	}
	return sum;
}

static uint64_t sum_of(const char *key, const void *data, size_t bytes)
{
	return add_sum(add_sum(0xcbf29ce484222325ull, key, strlen(key)), data, bytes);
}

/* The payload stays where it is in `file`. */
static int check_content(const char *file, size_t file_bytes, const char *key, size_t *bytes)
{
	const struct header *h = (const void *)file;
	size_t key_bytes = strlen(key), room = file_bytes - sizeof(*h);

	if (h->magic != MAGIC || h->key_bytes > room || h->bytes != room - h->key_bytes)
		return -EBADMSG;
	if (h->key_bytes != key_bytes || memcmp(h + 1, key, key_bytes))
		return -ESTALE;
	if (h->sum != sum_of(key, file + sizeof(*h) + key_bytes, h->bytes))
		return -EBADMSG;
	*bytes = h->bytes;
	return 0;
}

int cache_dir_read(int dir, const char *name, const char *key, size_t max, void **data,
		   size_t *bytes)
{
	size_t before = sizeof(struct header) + strlen(key), size;
	int fd, err;
	char *file;

	*data = NULL;
	*bytes = 0;
	if (max > SIZE_MAX - before)
		return -EFBIG;
	fd = cache_dir_open_file(dir, name, before + max, &size);
	if (fd < 0)
		return fd;
	file = malloc(size + 1);
	err = !file ? -ENOMEM : size < sizeof(struct header) ? -EBADMSG : 0;
	if (!err)
		err = read_whole(fd, file, size);
	close(fd);
	if (!err)
		err = check_content(file, size, key, bytes);
	if (err) {
		free(file);
		return err;
	}
	memmove(file, file + before, *bytes);
	*data = file;
	return 0;
}

static int write_parts(int fd, const char *key, const void *data, size_t bytes)
{
	struct header h = {.magic = MAGIC,
			   .key_bytes = strlen(key),
			   .bytes = bytes,
			   .sum = sum_of(key, data, bytes)};
	int err = io_write(fd, &h, sizeof(h));

	if (!err)
		err = io_write(fd, key, h.key_bytes);
	return err ? err : io_write(fd, data, bytes);
}

int cache_dir_write(int dir, const char *name, const char *key, const void *data, size_t bytes)
{
	char temporary[NAME_BYTES];
	int fd, err, n;

	/* one for each thread; what a killed tracer left under this name goes */
	n = snprintf(temporary, sizeof(temporary), ".new-%ld-%s", (long)syscall(SYS_gettid), name);
	if (n >= NAME_BYTES || strchr(name, '/'))
		return -EINVAL;
	if (unlinkat(dir, temporary, 0) && errno != ENOENT)
		return -errno;
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = write_parts(fd, key, data, bytes);
	if (close(fd) && !err)
		err = -errno;
	if (!err && renameat(dir, temporary, dir, name))
		err = -errno;
	if (err)
		unlinkat(dir, temporary, 0);
	return err;
}
