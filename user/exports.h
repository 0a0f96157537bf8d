/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The output files of a run, and its metrics: opened from the options or by a key, written when they are due. The main thread only. */
#ifndef USER_EXPORTS_H
#define USER_EXPORTS_H

#include <stdbool.h>
#include <stdint.h>
#include "export/formats.h"
#include "export/metrics.h"
#include "export/output.h"
#include "options.h"

/* Why a snapshot is taken, which decides what is written. */
enum output_when {
	WHEN_LOOK,     /* nothing is */
	WHEN_INTERVAL, /* streamed formats get what has changed */
	WHEN_NOW,      /* SIGUSR1, key `s`: every output */
	WHEN_EXPORT,   /* key `e`: the one output that was asked for, whole */
	WHEN_END       /* every output, with every site */
};

struct exports {
	struct output *v[FORMATS]; /* NULL: not asked for */
	struct output *once;	   /* for WHEN_EXPORT, then until its reader has it */
	bool once_begun;	   /* it is being written, or read */
	bool waits_for_readers;	   /* nothing may be left out: of a recording all is written */
	struct metrics *metrics;   /* NULL: not asked for */
	bool to_stdout;		   /* one of them is stdout: nothing else may be written there */
	bool failed;		   /* something of `v` could not be written (said) */
};

/* False after a message. exports_close() is due in any case. */
bool exports_open(struct exports *e, const struct options *options);
/* Files from the options. */
size_t exports_count(const struct exports *e);
/* The next WHEN_EXPORT writes that file. False after a message. */
bool exports_once(struct exports *e, const char *format, const char *path);
/* Is one with this property due? */
bool exports_want_blocks(const struct exports *e, enum output_when when);
bool exports_want_run(const struct exports *e, enum output_when when);
bool exports_want_lifetimes(const struct exports *e, enum output_when when);
bool exports_want_names(const struct exports *e, enum output_when when);
/* Asks for the names that exports_write() will write. False when it will write none. */
bool exports_ask_names(const struct exports *e, const struct export_input *in,
		       enum output_when when);
/* What is done for readers that do not keep up. */
enum reader_wait exports_reader(const struct exports *e, enum output_when when);
/* `in` without since_version. */
void exports_write(struct exports *e, const struct export_input *in, enum output_when when);
/* Now and then: what became of files that have readers. True when the file of WHEN_EXPORT has just become whole. */
bool exports_attend(struct exports *e);
/* Before the end: waits until all readers have all, and breathes meanwhile. */
void exports_finish(struct exports *e, struct breath *breath);
/* SIGHUP. */
void exports_reopen(struct exports *e);
void exports_close(struct exports *e);

#endif /* USER_EXPORTS_H */
