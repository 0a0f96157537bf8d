/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms of powers of two. Counters have 32 bits, so that both of a site fill five cache lines and one is enough for most
 * events; sites with a single block have none of their own (histories.c); when one is full its histogram is halved. So what is read of them are shares, exact to one in 2^31.
 */
#include "lifetimes.h"
#include <math.h>

#define YOUNG_NS (1u << 20)

void histogram_add_any(struct histogram *h, uint32_t bucket, uint64_t count)
{
	uint64_t sum = h->v[bucket] + count;

	for (; sum > UINT32_MAX; sum /= 2)
		for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
			h->v[i] /= 2;
	h->v[bucket] = (uint32_t)sum;
}

uint64_t histogram_total(const struct histogram *h)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		sum += h->v[i];
	return sum;
}

double histogram_start(uint32_t bucket)
{
	return bucket ? ldexp(1, (int)bucket) : 0;
}

static double find_rank(const struct histogram *h, double wanted)
{
	double before = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		double here = h->v[i];

		if (here > 0 && before + here >= wanted)
			return ldexp(exp2(fmax(wanted - before, 0) / here), (int)i);
		before += here;
	}
	return -1;
}

double histogram_quantile(const struct histogram *h, double share)
{
	return find_rank(h, share * (double)histogram_total(h));
}

double histogram_below(const struct histogram *h, uint32_t bucket)
{
	uint64_t total = histogram_total(h), sum = 0;

	for (uint32_t i = 0; i < bucket && i < HISTOGRAM_BUCKETS; i++)
		sum += h->v[i];
	return total ? (double)sum / (double)total : 0;
}

double histogram_fullest(const struct histogram *h)
{
	uint64_t total = histogram_total(h), most = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		most = h->v[i] > most ? h->v[i] : most;
	return total ? (double)most / (double)total : 0;
}

void histogram_merge(struct histogram *to, const struct histogram *h)
{
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		histogram_add(to, i, h->v[i]);
}

double lifetimes_age_start_s(uint32_t bucket)
{
	return histogram_start(bucket) * (1u << AGE_SHIFT) / 1e9;
}

double lifetimes_longest_s(const struct lifetimes *l)
{
	uint32_t i = HISTOGRAM_BUCKETS;

	while (i && !l->ages.v[i - 1])
		i--;
	return i == HISTOGRAM_BUCKETS ? INFINITY : i ? lifetimes_age_start_s(i) : 0;
}

void lifetimes_read(const struct lifetimes *l, double *median_s, double *young_share)
{
	uint64_t total = histogram_total(&l->ages), young = 0;

	*median_s = -1;
	*young_share = 0;
	if (!total)
		return;
	for (uint32_t i = 0; i < lifetimes_age_bucket(YOUNG_NS); i++)
		young += l->ages.v[i];
	*median_s = find_rank(&l->ages, 0.5 * (double)total) * (1u << AGE_SHIFT) / 1e9;
	*young_share = (double)young / (double)total;
}
