/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --max-overhead: tracing in time windows, so that the estimated cost to the targets stays below a limit. Between two windows the
 * breakpoints are gone, not only silent. The main thread only.
 */
#ifndef USER_WINDOWS_H
#define USER_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>
#include "analyse/coverage.h"
#include "budget.h"
#include "closing.h"
#include "heap/heap.h"
#include "overhead.h"

struct tracker;

struct windows {
	struct tracker *tracker;
	struct overhead *overhead;
	double percent; /* the limit; 0: none, and all of the time is one window */
	bool begun, given_up;
	uint64_t next_ns; /* to be looked at again */
	struct budget budget;
	struct coverage coverage;
	struct window_sums before; /* at the begin of the window */
	struct closing closing;
};

/* A limit of 100 percent or more is none. */
void windows_init(struct windows *w, struct tracker *tracker, struct overhead *overhead,
		  double percent);
/* Tracing begins, with a window. False after a message: the limit cannot be kept. */
bool windows_begin(struct windows *w);
/* At next_ns: opens and closes windows. Sets given_up, which it says. */
void windows_step(struct windows *w, uint64_t now_ns);
/* As of now. Without a limit: nothing is partial. */
struct coverage_figures windows_figures(struct windows *w);
/* Breakpoints that are going are gone. */
void windows_done(struct windows *w);
/* One line on stderr about what was covered, if not all was. */
void windows_say(struct windows *w);

#endif /* USER_WINDOWS_H */
