/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a FILE on the command line stands for, and words for why it cannot be written. Any thread. */
#ifndef EXPORT_OUTPUT_PATH_H
#define EXPORT_OUTPUT_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* The open descriptor that "-", /dev/stdout, /dev/stderr, /dev/fd/N and /proc/self/fd/N are; -1: a file. */
int output_path_descriptor(const char *path);
/* Two names of one file, whether or not it is there yet. */
bool output_path_same(const char *a, const char *b);
/* From -errno; static or as strerror(). */
const char *output_path_reason(int err);

#endif /* EXPORT_OUTPUT_PATH_H */
