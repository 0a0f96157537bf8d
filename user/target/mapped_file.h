/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens files as a process has them mapped: the very file, also deleted or in a container. Any
 * thread. */
#ifndef TARGET_MAPPED_FILE_H
#define TARGET_MAPPED_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A descriptor for reading a regular file, or -errno. start, end, path and inode as in
 * /proc/PID/maps. */
int mapped_file_open(pid_t pid, uint64_t start, uint64_t end, const char *path, uint64_t inode,
		     bool deleted);
/* The root directory of a process, to look below: of no other use (O_PATH). -errno. */
int mapped_file_open_root(pid_t pid);
/*
 * A regular file below a root, for reading, or -errno; a link in the path never leads out of the
 * root, and one at its end is followed only with `follow`. inode 0: any.
 */
int mapped_file_open_below(int root, const char *path, uint64_t inode, bool follow);
/*
 * A regular file at an absolute path below the root of a process, 0: the tracer's own. When the
 * process has that root too, or the path leads into another file system than the process's root,
 * there is none. -errno.
 */
int mapped_file_open_beside(pid_t pid, const char *path);
/*
 * The tracer's own vdso as a file, when the process has the same one mapped there; -ENOENT when it
 * has another. Code that the kernel gives to every process is in no file.
 */
int mapped_file_copy_vdso(pid_t pid, uint64_t start, uint64_t end);

#endif /* TARGET_MAPPED_FILE_H */
