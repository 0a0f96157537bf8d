/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of one span of time: what a series had at samples of it, and how that went up. Pure. */
#ifndef ANALYSE_SPAN_H
#define ANALYSE_SPAN_H

#include "series.h"
#include "trend.h"

/* The samples of a span, which many sites share. */
struct judge_window {
	uint64_t now_ns;
	uint64_t times_ns[TREND_MAX]; /* some of the samples of the window, the newest last */
	uint32_t count, recent;	      /* those from `recent` on are of its second half */
	struct trend_grid grid, recent_grid;
};

struct span {
	double seconds; /* between the first and the last of them */
	uint32_t count, recent;
	const struct trend_grid *grid, *recent_grid;
	double bytes[TREND_MAX], blocks[TREND_MAX], elders[TREND_MAX];
};

/* How values went up, but for the one largest step, of two samples: what was there from before gets old all at once. */
struct rise {
	double sum, step; /* all of it, and the largest step that is left */
};

double span_seconds(uint64_t from_ns, uint64_t to_ns);
/* `times_ns` are of all samples of the window, in order. */
void judge_window_init(struct judge_window *w, const uint64_t *times_ns, uint32_t count);
/* Samples of a longer span that ends at the same time, as far apart as need be. */
void judge_window_longer(struct judge_window *to, const struct judge_window *w, double seconds);
/* The samples of the window stay with their owner. */
void span_read(struct span *p, const struct judge_window *w, const struct series *s);
struct rise span_rise(const double *v, uint32_t count);

#endif /* ANALYSE_SPAN_H */
