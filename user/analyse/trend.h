/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast a series grows, and whether it does: the median of the slopes between all pairs of its values (Theil 1950, Sen 1968) with
 * its 95 % interval, and the test of Mann (1945) and Kendall (1975), corrected for ties. A few wild values move neither. Pure.
 */
#ifndef ANALYSE_TREND_H
#define ANALYSE_TREND_H

#include <stdint.h>

#define TREND_MAX 32u /* values of a series */

struct trend {
	double slope;	  /* per second */
	double low, high; /* the 95 % interval of it */
	double p; /* that values without a trend are ordered so much by chance (two-sided) */
};

/* The times of many series that were taken together. */
struct trend_grid {
	uint32_t count;
	double inverse[TREND_MAX * (TREND_MAX - 1) /
		       2]; /* 1 / distance of each pair, (j, i < j) in order */
};

/* Seconds, each later than the one before; at most TREND_MAX. */
void trend_grid_init(struct trend_grid *g, const double *seconds, uint32_t count);
/* Of one value for each of the times. With fewer than two, all is 0 and p 1. */
struct trend trend_of(const struct trend_grid *g, const double *values);

#endif /* ANALYSE_TREND_H */
