/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between what and what a figure lies that was estimated from a part: 95 % intervals. Pure; any
 * thread. */
#ifndef BASE_INTERVAL_H
#define BASE_INTERVAL_H

#include <stddef.h>
#include <stdint.h>

struct interval {
	double low, high;
};

struct estimate {
	double certain;	 /* what was seen itself: the figure is not below it */
	double missing;	 /* what there is beside it, estimated */
	double variance; /* of the sum, estimated */
	double item;	 /* one of the things that are missing; 0: not known */
	double unit;	 /* the most that one sample stands for */
};

/* How the text of a figure is made: units_bytes() or units_count(). */
typedef const char *interval_unit_fn(uint64_t value, char *out, size_t size);

#define INTERVAL_TEXT 24

struct interval interval_of(const struct estimate *e);
/* Of a difference, which has no lower bound; `unit` as above. */
struct interval interval_of_change(double value, double variance, double unit);
/* "+-3%", or "1.2M..3.4M" when it is wide or lopsided; "exact". At most INTERVAL_TEXT with the end. */
const char *interval_text(double value, struct interval i, interval_unit_fn *unit, char *out,
			  size_t size);
/* For what may be below 0, in bytes: "+-1.2M". */
const char *interval_change_text(double value, struct interval i, char *out, size_t size);

#endif /* BASE_INTERVAL_H */
