/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far sampled figures may be off. A block of value v (its bytes, or 1) that is recorded with
 * probability p stands for v / p. The variance of a sum of such, over all blocks that there are, is
 * that of v^2 (1 - p) / p; its unbiased estimate is the sum over the recorded ones of
 *
 *	v^2 (1 - p) / p^2
 *
 * (Horvitz and Thompson, for independent draws). A block has the same addend all its life, so the
 * sums are kept as the totals are: an allocation adds it, a free adds it to what was freed.
 *
 * Intervals are about the sums here, which have fractions; that totals are rounded to integers at
 * random (weight.c) does not widen them.
 *
 * Invariant: site k's errors are item k of heap.errors in a sampled run; those of a process are the
 * sum over its sites, but for rounding. Mapped ranges are not sampled and add nothing.
 */
#include "tables.h"
#include <math.h>

#define SIZES_ALIKE 16.0 /* mean size of samples by the smallest one */

struct error_sums error_of(uint64_t bytes, double chance)
{
	double value = (double)bytes, odds = (1 - chance) / chance;

	return (struct error_sums){
		.seen_bytes = bytes,
		.seen_count = 1,
		.missing_bytes = value * odds,
		.missing_count = odds,
		.bytes_variance = value * value * odds / chance,
		.count_variance = odds / chance,
	};
}

static void charge(struct errors *to, const struct error_sums *e)
{
	error_sums_add(&to->alloc, e);
	to->count_most = fmax(to->count_most, e->missing_count);
}

void errors_charge_alloc(struct heap *h, struct heap_process *p, const struct block *block)
{
	struct error_sums e = error_of(block->bytes, chance_of(h, p, block));

	charge(errors_at(h, block->site), &e);
	charge(&p->errors, &e);
}

void errors_charge_free(struct heap *h, struct heap_process *p, const struct block *block)
{
	struct error_sums e = error_of(block->bytes, chance_of(h, p, block));

	error_sums_add(&errors_at(h, block->site)->free, &e);
	error_sums_add(&p->errors.free, &e);
}

void errors_charge_free_all(struct errors *site, struct errors *process)
{
	struct error_sums e = errors_of(site, FIGURE_OUTSTANDING);

	error_sums_add(&process->free, &e);
	site->free = site->alloc;
}

void errors_disinherit(struct errors *site, struct errors *process)
{
	error_sums_take(&process->alloc, &site->alloc);
	error_sums_take(&process->free, &site->free);
	*site = (struct errors){0};
}

void errors_inherit(struct errors *site, struct errors *process, const struct errors *from)
{
	struct error_sums e = errors_of(from, FIGURE_OUTSTANDING);

	error_sums_add(&site->alloc, &e);
	error_sums_add(&process->alloc, &e);
	site->count_most = fmax(site->count_most, from->count_most);
	process->count_most = fmax(process->count_most, from->count_most);
}

/* ---- what is read of them ---- */

/* Differences of large sums of fractions: when no block is left, nothing is. */
struct error_sums errors_of(const struct errors *e, enum figure figure)
{
	struct error_sums sums = figure == FIGURE_FREE ? e->free : e->alloc;

	if (figure != FIGURE_OUTSTANDING)
		return sums;
	error_sums_take(&sums, &e->free);
	if (!sums.seen_count)
		return (struct error_sums){.seen_bytes = sums.seen_bytes};
	sums.missing_bytes = fmax(sums.missing_bytes, 0);
	sums.missing_count = fmax(sums.missing_count, 0);
	sums.bytes_variance = fmax(sums.bytes_variance, 0);
	sums.count_variance = fmax(sums.count_variance, 0);
	return sums;
}

struct interval errors_bytes(const struct errors *e, enum figure figure, uint64_t sample_bytes)
{
	struct error_sums sums = errors_of(e, figure);
	const struct error_sums *all = &e->alloc;
	struct estimate estimate = {
		.certain = (double)sums.seen_bytes,
		.missing = sums.missing_bytes,
		.variance = sums.bytes_variance,
		.item = sums.missing_count > 0 ? sums.missing_bytes / sums.missing_count : 0,
		.unit = all->missing_bytes > 0 ? all->bytes_variance / all->missing_bytes
					       : (double)sample_bytes,
	};

	return interval_of(&estimate);
}

struct interval errors_count(const struct errors *e, enum figure figure, uint64_t sample_bytes)
{
	struct error_sums sums = errors_of(e, figure);
	struct estimate estimate = {
		.certain = (double)sums.seen_count,
		.missing = sums.missing_count,
		.variance = sums.count_variance,
		.item = 1,
		.unit = e->alloc.seen_count ? e->count_most : (double)sample_bytes,
	};

	return interval_of(&estimate);
}

bool errors_sizes_vary(const struct errors *e, uint64_t sample_bytes)
{
	double mean =
		(double)e->alloc.seen_bytes / (double)(e->alloc.seen_count + !e->alloc.seen_count);

	return mean * e->count_most > SIZES_ALIKE * (double)sample_bytes;
}
