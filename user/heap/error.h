/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sampling errors of the figures of a site or a process. Only sampled runs have any. One thread
 * at a time.
 */
#ifndef HEAP_ERROR_H
#define HEAP_ERROR_H

#include <stdbool.h>
#include <stdint.h>
#include "../base/interval.h"

/* Of the recorded blocks behind a total: what they are themselves, what they stand for beside that,
 * and the variance of it. */
struct error_sums {
	uint64_t seen_bytes, seen_count;
	double missing_bytes, missing_count;
	double bytes_variance, count_variance;
};

/* Outstanding is the difference. */
struct errors {
	struct error_sums alloc, free;
	double count_most; /* the most that a block has stood for */
};

enum figure { FIGURE_OUTSTANDING = 0, FIGURE_ALLOC = 1, FIGURE_FREE = 2 };

static inline void error_sums_add(struct error_sums *to, const struct error_sums *e)
{
	to->seen_bytes += e->seen_bytes;
	to->seen_count += e->seen_count;
	to->missing_bytes += e->missing_bytes;
	to->missing_count += e->missing_count;
	to->bytes_variance += e->bytes_variance;
	to->count_variance += e->count_variance;
}

static inline void error_sums_take(struct error_sums *from, const struct error_sums *e)
{
	from->seen_bytes -= e->seen_bytes;
	from->seen_count -= e->seen_count;
	from->missing_bytes -= e->missing_bytes;
	from->missing_count -= e->missing_count;
	from->bytes_variance -= e->bytes_variance;
	from->count_variance -= e->count_variance;
}

static inline void errors_add(struct errors *to, const struct errors *e)
{
	error_sums_add(&to->alloc, &e->alloc);
	error_sums_add(&to->free, &e->free);
	if (to->count_most < e->count_most)
		to->count_most = e->count_most;
}

/* The part of a block of that size that was recorded with that probability. */
struct error_sums error_of(uint64_t bytes, double chance);
struct error_sums errors_of(const struct errors *e, enum figure figure);
/*
 * Where the true figure lies. A figure of which no sample is left is judged by those that it had; if
 * it never had any, by the mean distance of samples.
 */
struct interval errors_bytes(const struct errors *e, enum figure figure, uint64_t sample_bytes);
struct interval errors_count(const struct errors *e, enum figure figure, uint64_t sample_bytes);

/*
 * Were the blocks of so different sizes that there may be many small ones of which none was drawn?
 * Then a count is known by its lower end only.
 */
bool errors_sizes_vary(const struct errors *e, uint64_t sample_bytes);

#endif /* HEAP_ERROR_H */
