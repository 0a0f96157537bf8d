/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that is written at an interval and at the end: batch report and files. The main
 * thread only. */
#ifndef USER_OUTPUTS_H
#define USER_OUTPUTS_H

#include <stdbool.h>
#include <stdint.h>
#include "analyse/growth.h"
#include "exports.h"
#include "options.h"
#include "tracker.h"
#include "windows.h"

struct outputs;

/* Creates the files. NULL after a message. All pointers are borrowed. */
struct outputs *outputs_open(const struct options *options, struct tracker *tracker,
			     struct windows *windows, struct growth *growth);
/* Closes. Returns false when something could not be written (said). */
bool outputs_close(struct outputs *o);

/* Tracing has begun now. */
void outputs_begin(struct outputs *o);
/* A snapshot of everything that was recorded until now. */
void outputs_snapshot(struct outputs *o, struct snapshot *s);
/* The same for who only compares figures: without those of the tracer itself. */
void outputs_figures(struct outputs *o, struct snapshot *s);
/* From now on snapshots have the change since now; since nothing any more. */
void outputs_set_baseline(struct outputs *o);
void outputs_reset_baseline(struct outputs *o);
/* Names of a site's stack, as report_names_fn. */
const struct stack_names *outputs_names(void *outputs, const struct snapshot_site *site);

struct rows;
/* Which sites make one row; borrowed. */
const struct rows *outputs_rows(const struct outputs *o);

/*
 * Before outputs_write(): takes what has to be of the same moment as the snapshot, and asks for the
 * names that will be written. True when some are not there yet, so that waiting is worth it.
 */
bool outputs_prepare(struct outputs *o, struct snapshot *s, bool report, enum output_when when);
/* Writes the files that are due and, when `report`, a report on stdout. */
void outputs_write(struct outputs *o, struct snapshot *s, bool report, enum output_when when);
/*
 * The view's key `e`: opens the file, which the next outputs_prepare() and outputs_write() with WHEN_EXPORT fill and
 * close. `format` is a name of export_formats. False after a message.
 */
bool outputs_export(struct outputs *o, const char *format, const char *path);
/* The file of the last WHEN_EXPORT is written. */
bool outputs_exported(const struct outputs *o);
/* SIGHUP. */
void outputs_reopen(struct outputs *o);
bool outputs_failed(const struct outputs *o);
/* One line per process on stderr. */
void outputs_summary(struct outputs *o, const struct snapshot *s);

#endif /* USER_OUTPUTS_H */
