/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -w: what goes into a recording beside the events, which feed.c gives it. The main thread only. */
#ifndef USER_RECORDING_H
#define USER_RECORDING_H

#include <stdbool.h>
#include <stdint.h>
#include "capture/record.h"
#include "facts.h"
#include "options.h"
#include "tracker.h"

struct recording;

/* Creates the file. NULL after a message. */
struct recording *recording_open(const struct options *o);
struct record *recording_record(struct recording *r);
/* Tracing begins. */
void recording_begin(struct recording *r, uint64_t time_ns, uint64_t realtime_ns,
		     double interval_s);
/* A cut, with what the figures of this moment need. With the heap's lock, at the moment of the cut. NULL is fine. */
void recording_cut(struct recording *r, enum recording_cut kind, const struct facts *facts,
		   struct heap *heap);
/*
 * What is known of modules by now; `written`: what was taken at the last cut is written with it. Without the lock. NULL is
 * fine.
 */
void recording_modules(struct recording *r, struct tracker *t, bool written);
/* Says it once when the file cannot be written. True: it failed. */
bool recording_failed(struct recording *r);
/* Tracing is over, all names that are wanted are there: writes the rest. False: the file is not whole (said). */
bool recording_close(struct recording *r, struct tracker *t);

#endif /* USER_RECORDING_H */
