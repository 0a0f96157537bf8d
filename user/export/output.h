/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One output file in one format. Failures are said once, name the file, and are remembered; the tracer goes on. One
 * thread at a time.
 */
#ifndef EXPORT_OUTPUT_H
#define EXPORT_OUTPUT_H

#include <stdbool.h>
#include "formats.h"

struct output;

/* Creates what is streamed and checks what is written at the end. NULL after a message. */
struct output *output_open(const struct export_format *format, const char *path);
const struct export_format *output_format(const struct output *o);
/*
 * Whole, or not at all where the file allows it, or not at all because its reader does not keep up. 0 or -errno after a message at
 * the first failure.
 */
int output_write(struct output *o, const struct export_input *in);
/* The newest version of a site that was written so far; 0: none. */
uint64_t output_version(const struct output *o);
/* Has its reader all? */
bool output_is_taken(struct output *o);
/* The current error, which the reader may have caused since; 0. */
int output_error(struct output *o);
/* The end: waits until its reader has all, and breathes meanwhile, and says what was left out. */
void output_finish(struct output *o, struct breath *breath);
/* SIGHUP: opens the path again, which ends a failure. 0 or -errno after a message. */
int output_reopen(struct output *o);
/* 0, or the first error that there was. NULL is accepted. */
int output_close(struct output *o);

#endif /* EXPORT_OUTPUT_H */
