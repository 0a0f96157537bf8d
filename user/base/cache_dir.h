/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories in which the tracer keeps what it need not find out again. It runs as root and
 * believes what it reads there, so nobody else may be able to write it: no component of the path is
 * a link or can be exchanged by others, directory and files belong to us. Everything that is not so
 * is an error, and means that there is no cache. Any thread.
 */
#ifndef BASE_CACHE_DIR_H
#define BASE_CACHE_DIR_H

#include <stddef.h>

/* Opens `path` (absolute); its last component is made when it is missing. A descriptor, to be
 * closed, or -errno. */
int cache_dir_open(const char *path);

/* Opens a file of it that only we can have written and that has at most `max` bytes: a descriptor
 * with its size, or -errno. */
int cache_dir_open_file(int dir, const char *name, size_t max, size_t *bytes);

/*
 * What cache_dir_write() wrote under this name with this key: 0, and *data is to be freed, or
 * -errno. -ESTALE: it has another key; -EBADMSG: it is damaged. `max` bounds the payload.
 */
int cache_dir_read(int dir, const char *name, const char *key, size_t max, void **data,
		   size_t *bytes);
/* Whole or not at all, also when the tracer is killed meanwhile. 0 or -errno. */
int cache_dir_write(int dir, const char *name, const char *key, const void *data, size_t bytes);

#endif /* BASE_CACHE_DIR_H */
