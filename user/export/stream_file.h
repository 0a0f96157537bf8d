/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An output file that is written in place, whole pieces at a time: opened without following links,
 * each failure said once. What is no regular file may have a reader that is slow: there a thread writes, and pieces wait for it
 * (pipe_writer.h). One thread at a time.
 */
#ifndef EXPORT_STREAM_FILE_H
#define EXPORT_STREAM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "../base/breath.h"

struct pipe_writer;

struct stream_file {
	char *path;
	int fd;
	struct pipe_writer *pipe; /* NULL: a regular file, or there was no memory for a thread */
	bool wait_said;		  /* that its reader is waited for */
	dev_t device;		  /* of what was opened last */
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
/* Does its reader keep up? When not, whole pieces should be left out. Regular files always do. */
bool stream_file_has_room(const struct stream_file *f);
/* Bytes that the reader has not taken. */
size_t stream_file_waiting(const struct stream_file *f);
/* Waits until there is room, and breathes meanwhile. False: somebody gave that up in a breath. */
bool stream_file_await_room(struct stream_file *f, struct breath *breath);
/* With nobody who waits for keys (`breath` is NULL): a moment, in which a reader that keeps up takes all. 0 or the current error. */
int stream_file_settle(struct stream_file *f, const struct breath *breath);
/* Waits until all is taken, and breathes; what is not when somebody gives that up is an error. Nothing can be written after it. */
void stream_file_finish(struct stream_file *f, struct breath *breath);
/* The current error, 0 while all is well. Says one that the thread has met. */
int stream_file_error(struct stream_file *f);
/* 0 or the first error that there was. What the reader has not taken after a second is given up, which is one. */
int stream_file_close(struct stream_file *f);

#endif /* EXPORT_STREAM_FILE_H */
