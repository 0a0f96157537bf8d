/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens what a process has mapped. /proc/PID/map_files leads to the mapped inode itself; where that
 * is not allowed the path is looked up below the root of the process and must lead to the same
 * inode, because a wrong name is worse than none.
 *
 * Invariant: only regular files are opened. A device or a pipe in the place of a library must
 * neither block the tracer nor notice that it was opened: the kind is known from an O_PATH
 * descriptor first.
 */
#include "mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAPPED_FILE_MAX_VDSO_BYTES (1u << 16)

/* Takes place over. */
static int mapped_file_reopen(int place, uint64_t inode)
{
	char path[32];
	struct stat st;
	int fd;

	if (fstat(place, &st) != 0) {
		fd = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		fd = -EINVAL;
	} else if (inode && st.st_ino != inode) {
		fd = -ESTALE;
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	close(place);
	return fd;
}

static int mapped_file_open_by_address(pid_t pid, uint64_t start, uint64_t end)
{
	char path[80];
	int place;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, start,
		 end);
	place = open(path, O_PATH | O_CLOEXEC);
	return place < 0 ? -errno : mapped_file_reopen(place, 0);
}

int mapped_file_open_below(int root, const char *path, uint64_t inode, bool follow)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW),
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	long place = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return place < 0 ? -errno : mapped_file_reopen((int)place, inode);
}

int mapped_file_open_root(pid_t pid)
{
	char path[32];
	int root;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -errno : root;
}

static int mapped_file_open_by_path(pid_t pid, const char *path, uint64_t inode)
{
	int root = mapped_file_open_root(pid), fd;

	if (root < 0)
		return root;
	fd = mapped_file_open_below(root, path, inode, true);
	close(root);
	return fd;
}

int mapped_file_open(pid_t pid, uint64_t start, uint64_t end, const char *path, uint64_t inode,
		     bool deleted)
{
	int fd = mapped_file_open_by_address(pid, start, end);

	if (fd >= 0 || deleted || fd == -EMFILE || fd == -ENFILE)
		return fd;
	return mapped_file_open_by_path(pid, path, inode);
}

static bool mapped_file_same_root(int root)
{
	struct stat own, theirs;

	return !stat("/", &own) && !fstat(root, &theirs) && own.st_dev == theirs.st_dev &&
	       own.st_ino == theirs.st_ino;
}

int mapped_file_open_beside(pid_t pid, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC};
	char root_path[32] = "/";
	int root;
	long place;

	if (pid) {
		snprintf(root_path, sizeof(root_path), "/proc/%d/root", (int)pid);
		how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
	}
	root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	place = pid && mapped_file_same_root(root)
			? -1
			: syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (place < 0)
		place = pid ? -ENOENT : -errno;
	close(root);
	return place < 0 ? (int)place : mapped_file_reopen((int)place, 0);
}

static int mapped_file_compare_vdso(pid_t pid, uint64_t start, const void *own, size_t bytes)
{
	char path[32], *theirs = malloc(bytes);
	int fd, err = -ENOENT;

	if (!theirs)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
	} else {
		if (pread(fd, theirs, bytes, (off_t)start) == (ssize_t)bytes &&
		    memcmp(theirs, own, bytes) == 0)
			err = 0;
		close(fd);
	}
	free(theirs);
	return err;
}

int mapped_file_copy_vdso(pid_t pid, uint64_t start, uint64_t end)
{
	unsigned long own = getauxval(AT_SYSINFO_EHDR);
	size_t bytes = end - start;
	int fd, err;

	if (!own || bytes > MAPPED_FILE_MAX_VDSO_BYTES || start > INT64_MAX)
		return -ENOENT;
	/* written through the kernel: when the own vdso is smaller this fails and does not fault */
	fd = memfd_create("vdso", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, (const void *)own, bytes) != (ssize_t)bytes)
		err = -ENOENT;
	else
		err = mapped_file_compare_vdso(pid, start, (const void *)own, bytes);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}
