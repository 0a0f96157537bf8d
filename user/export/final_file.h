/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An output file that appears, or replaces the one before, only as a whole: it is written under another
 * name in the same directory, brought to the disk and renamed. Links are not followed. A device, a pipe
 * or an open descriptor cannot be replaced and is written in place. One thread at a time.
 */
#ifndef EXPORT_FINAL_FILE_H
#define EXPORT_FINAL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include "../base/breath.h"
#include "stream_file.h"

struct final_file {
	char *path;
	bool in_place;
	struct stream_file stream; /* in place */
	/* while it is written */
	int folder, fd;
	char name[48]; /* of the file, for now */
	int error;     /* of this time */
	int first_error;
};

/* Finds out now what would be known only at the end. 0, or -errno after a message; then there is nothing to close. */
int final_file_open(struct final_file *f, const char *path);
/* Each 0 or -errno, one message at the first failure. What was begun has to be ended. */
int final_file_begin(struct final_file *f);
int final_file_write(struct final_file *f, const char *data, size_t size);
/*
 * Puts it into its place; with `good` false, or after a failure, leaves all as it was before. The disk may take its time:
 * breathes until then (NULL: waits).
 */
int final_file_end(struct final_file *f, bool good, struct breath *breath);
/* SIGHUP. */
int final_file_reopen(struct final_file *f);
/* 0 or the first error that there was. */
int final_file_close(struct final_file *f);

#endif /* EXPORT_FINAL_FILE_H */
