/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tracing in time windows says about all of the time. Pure: no clock, no process.
 *
 * The windows are a random sample of the work that the traced processes do: their processor time without what tracing itself
 * takes (in a window a program gets slower, so that a second in it is not a second of others). What was allocated is scaled by
 * all work over the work in windows: a ratio estimate, whose error comes from how much the windows differ
 * (Cochran, Sampling Techniques, 1977, chapter 6). The work in windows is known only as well as the cost of
 * tracing is, and that uncertainty is part of the error, too.
 */
#ifndef ANALYSE_COVERAGE_H
#define ANALYSE_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Running totals, at one moment. */
struct coverage_meter {
	uint64_t time_ns;
	double cost_ns; /* processor time that tracing took */
	double cpu_ns;	/* processor time that the processes used, the cost included */
};

/* Of one window. */
struct coverage_yield {
	double alloc_bytes, alloc_count; /* allocated */
	double kept_bytes, kept_count;	 /* of that still there at its end */
};

struct coverage_sum {
	double y, yy, xy;
};

/* Zero-initialised: begin with coverage_begin(). */
struct coverage {
	bool on;
	struct coverage_meter first, last; /* tracing began; the newest */
	double covered_ns;		   /* time within windows */
	double work, covered_work;	   /* ns */
	double window_cost, window_cpu;	   /* of the window, up to `last` */
	double cost;			   /* of tracing, all of it */
	double previous_work;		   /* of the window before */
	uint64_t windows;		   /* that are over */
	double window_work, x, xx;	   /* of this one; sums over those that are over */
	struct coverage_sum alloc_bytes, alloc_count, kept_bytes, kept_count;
};

struct coverage_figures {
	bool partial;	     /* not all of the time is covered: figures are estimates */
	bool paused;	     /* outside of a window */
	double time_percent; /* covered, of the time */
	double work_percent; /* and of the work */
	uint64_t windows;    /* begun */
	double scale;	     /* for what was allocated */
	/* for what is carried over from the window before, and from older ones; what was born in this window is all there is */
	double scale_previous, scale_older;
	bool error_known;
	/* half of the 95 % interval, in percent of the estimate */
	double alloc_bytes_error, alloc_count_error, kept_bytes_error, kept_count_error;
};

/* A window begins or ends at the moment of `meter`. The first one begins tracing. */
void coverage_begin(struct coverage *c, const struct coverage_meter *meter);
void coverage_end(struct coverage *c, const struct coverage_meter *meter,
		  const struct coverage_yield *yield);
/* Time goes on. To be called before coverage_figures(). */
void coverage_advance(struct coverage *c, const struct coverage_meter *meter);
struct coverage_figures coverage_figures(const struct coverage *c);

#endif /* ANALYSE_COVERAGE_H */
