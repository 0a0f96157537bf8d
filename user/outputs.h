/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that is written at an interval and at the end: batch report and files. The main
 * thread only. */
#ifndef USER_OUTPUTS_H
#define USER_OUTPUTS_H

#include <stdbool.h>
#include <stdint.h>
#include "analyse/growth.h"
#include "exports.h"
#include "facts.h"
#include "options.h"
#include "recording.h"
#include "tracker.h"
#include "windows.h"

struct outputs;

/* Creates the files. NULL after a message. All pointers are borrowed. */
struct outputs *outputs_open(const struct options *options, struct tracker *tracker,
			     struct windows *windows, struct growth *growth);
/* Closes. Returns false when something could not be written (said). */
bool outputs_close(struct outputs *o);

/* The heap, its growth and the names are new ones (a replay goes back). */
void outputs_restart(struct outputs *o, struct growth *growth);
/* What is written is recorded, too. Borrowed. */
void outputs_record(struct outputs *o, struct recording *recording);
/* While something is taken, prepared or written. Borrowed; NULL: nobody waits. */
void outputs_breathe(struct outputs *o, struct breath *breath);
/* For who waits for something else meanwhile. */
void outputs_take_breath(struct outputs *o);
/* Tracing has begun now. */
void outputs_begin(struct outputs *o, uint64_t now_ns);
/*
 * A snapshot of everything that was recorded until now, on the event clock, and with it, of the same moment, what else is to be
 * written then (outputs_prepare(), with the same `report` and `when`). WHEN_LOOK: it is only looked at, and no part of a recording.
 */
void outputs_snapshot(struct outputs *o, struct snapshot *s, bool report, enum output_when when);
/* The same for who only compares figures: without those of the tracer itself. */
void outputs_figures(struct outputs *o, struct snapshot *s);
/* A sample of growth: what came until now_ns. */
void outputs_sample(struct outputs *o, uint64_t now_ns);
/* From now on snapshots have the change since now; since nothing any more. */
void outputs_set_baseline(struct outputs *o);
void outputs_reset_baseline(struct outputs *o);
/*
 * What these are made of, for a replay, which takes the facts from its recording: figures of this moment of the heap; then rows, with what is
 * known of modules by then.
 */
void outputs_take(struct outputs *o, struct snapshot *s, bool report, enum output_when when,
		  const struct facts *f);
void outputs_fold(struct outputs *o, struct snapshot *s);
void outputs_take_sample(struct outputs *o, const struct facts *f);
void outputs_take_baseline(struct outputs *o, const struct facts *f);
/* Names of a site's stack, as report_names_fn. */
const struct stack_names *outputs_names(void *outputs, const struct snapshot_site *site);

/* Of the go statement and the function of goroutines, as goroutine_names_fn. */
const struct stack_names *outputs_goroutine_names(void *outputs, const struct snapshot *s,
						  const struct snapshot_goroutines *row);

struct rows;
/* Which sites make one row; borrowed. */
const struct rows *outputs_rows(const struct outputs *o);

/*
 * Before outputs_write(): asks for the names that will be written. True when some are not there yet, so that waiting is worth
 * it.
 */
bool outputs_prepare(struct outputs *o, struct snapshot *s, bool report, enum output_when when);
/* Writes the files that are due and, when `report`, a report on stdout. */
void outputs_write(struct outputs *o, struct snapshot *s, bool report, enum output_when when);
/*
 * The view's key `e`: opens the file, which the next outputs_prepare() and outputs_write() with WHEN_EXPORT fill. `format` is a name of export_formats. False after a message.
 */
bool outputs_export(struct outputs *o, const char *format, const char *path);
/* Files that WHEN_NOW writes. */
size_t outputs_count(const struct outputs *o);
/* From the start, of a recording: what has a slow reader waits for it, and nothing is left out. */
void outputs_wait_for_readers(struct outputs *o);
/* Now and then: what became of files that have readers. True when the file of WHEN_EXPORT has just become whole. */
bool outputs_attend(struct outputs *o);
/* After the last outputs_write(): waits until all readers have all, and says what they have not got. */
void outputs_finish(struct outputs *o);
/* SIGHUP. */
void outputs_reopen(struct outputs *o);
bool outputs_failed(const struct outputs *o);
/* One line per process on stderr. */
void outputs_summary(struct outputs *o, const struct snapshot *s);

#endif /* USER_OUTPUTS_H */
