/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sampled block stands for. A block of `bytes` is recorded with probability p = 1 - exp(-bytes / mean), so on average
 * it stands for 1 / p blocks of its size (Horvitz and Thompson 1952: the estimate is unbiased). Totals are integers, so the
 * fraction is rounded up or down at random, with a random number made of the block itself: its free must take away
 * exactly what its allocation added.
 */
#include "tables.h"
#include <math.h>

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
	return x ^ (x >> 32);
}

static uint64_t round_by(double value, uint64_t random)
{
	double whole = floor(value);

	return (uint64_t)whole + ((double)(random >> 11) * 0x1p-53 < value - whole);
}

struct weight weight_of(const struct heap *h, uint64_t address, uint64_t bytes, uint64_t born_ns)
{
	double p;

	if (!h->sample_bytes || !bytes)
		return (struct weight){.bytes = bytes, .count = 1};
	p = -expm1(-(double)bytes / (double)h->sample_bytes);
	return (struct weight){
		.bytes = round_by((double)bytes / p, mix(address ^ mix(born_ns))),
		.count = round_by(1 / p, mix(address ^ mix(born_ns + 1))),
	};
}
