/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the freed blocks of a site lived, and how large its blocks were: two histograms of powers of two. Every free and every
 * allocation adds to one, so that nothing here branches but for a counter that is full: then all of its histogram are halved,
 * and the shares stay. One thread at a time.
 */
#ifndef HEAP_LIFETIMES_H
#define HEAP_LIFETIMES_H

#include <stdbool.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 40u

struct histogram {
	uint32_t v[HISTOGRAM_BUCKETS];
};

/* Ages: bucket 0 is below 2^11 ns, k is [2^(10+k), 2^(11+k)) ns, the last has no end (from 6.5 days on).
 * Sizes: bucket 0 is 0 and 1 bytes, k is [2^k, 2^(k+1)) bytes, the last has no end (from 512 GB on). */
struct lifetimes {
	struct histogram ages, sizes;
};

#define AGE_SHIFT 10u

static inline uint32_t histogram_bucket(uint64_t value)
{
	uint32_t bucket = 63u - (uint32_t)__builtin_clzll(value | 1);

	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static inline uint32_t lifetimes_age_bucket(uint64_t age_ns)
{
	return histogram_bucket(age_ns >> AGE_SHIFT);
}

/* For a counter that is full. */
void histogram_add_any(struct histogram *h, uint32_t bucket, uint64_t count);

static inline void histogram_add(struct histogram *h, uint32_t bucket, uint64_t count)
{
	uint64_t sum = h->v[bucket] + count;

	if (__builtin_expect(sum <= UINT32_MAX, 1))
		h->v[bucket] = (uint32_t)sum;
	else
		histogram_add_any(h, bucket, count);
}

/* A block that lived from one to the other. Events may come late. */
static inline uint64_t lifetimes_age(uint64_t born_ns, uint64_t time_ns)
{
	return time_ns > born_ns ? time_ns - born_ns : 0;
}

/* ---- reading ---- */

uint64_t histogram_total(const struct histogram *h);
/* Below which value that share of all lies; between the ends of a bucket by its logarithm. -1: nothing is there. */
double histogram_quantile(const struct histogram *h, double share);
/* The lower end of a bucket, as a value. */
double histogram_start(uint32_t bucket);
/* The share of those in buckets before this one; 0 when nothing is there. */
double histogram_below(const struct histogram *h, uint32_t bucket);
/* The share of those in the fullest bucket; 0 when nothing is there. */
double histogram_fullest(const struct histogram *h);
void histogram_merge(struct histogram *to, const struct histogram *h);

/* The lower end of a bucket of ages, in seconds. */
double lifetimes_age_start_s(uint32_t bucket);
/* No freed block lived longer; the end of a bucket, and 0 when none was freed. */
double lifetimes_longest_s(const struct lifetimes *l);
/* Of the freed blocks: the median (-1: none was freed), and the share that lived less than about a millisecond (2^20 ns). */
void lifetimes_read(const struct lifetimes *l, double *median_s, double *young_share);

#endif /* HEAP_LIFETIMES_H */
