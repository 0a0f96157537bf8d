/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An output file that is written in place, whole pieces at a time: opened without following links,
 * each failure said once. One thread at a time.
 */
#ifndef EXPORT_STREAM_FILE_H
#define EXPORT_STREAM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stream_file {
	char *path;
	int fd;
	dev_t device; /* of the regular file written last */
	ino_t inode;
	off_t good_length; /* up to the last whole piece; -1: not a regular file */
	off_t part_length; /* of the next one, written so far */
	int error;	   /* -errno: nothing more is written until the file is opened again */
	int first_error;
};

/*
 * Creates or truncates `path` ("-", /dev/stdout and /dev/fd/N are the open descriptor) and writes
 * `header`. 0, or -errno after a message; then there is nothing to close.
 */
int stream_file_open(struct stream_file *f, const char *path, const char *header);
/*
 * 0 or -errno after a message. After 0 writing goes on, but a failure from before is not forgotten.
 * A file that is still the same one is continued, without a second header.
 */
int stream_file_reopen(struct stream_file *f, const char *header);
/*
 * Writes all of it; a piece that did not fit is taken back where the file allows it. 0 or -errno,
 * message at the first. A large piece can be written in parts: the last one with stream_file_write().
 */
int stream_file_write_part(struct stream_file *f, const char *data, size_t size);
int stream_file_write(struct stream_file *f, const char *data, size_t size);
/* The current error, 0 while all is well. */
int stream_file_error(const struct stream_file *f);
bool stream_file_failed(const struct stream_file *f);
/* 0 or the first error that there was. */
int stream_file_close(struct stream_file *f);

#endif /* EXPORT_STREAM_FILE_H */
