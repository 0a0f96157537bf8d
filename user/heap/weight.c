/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sampled block stands for. A block of `bytes` is recorded with probability p = 1 - exp(-bytes / mean), so on average
 * it stands for 1 / p blocks of its size (Horvitz and Thompson 1952: the estimate is unbiased). Totals are integers, so the
 * fraction is rounded up or down at random, with a random number made of the block itself: its free must take away
 * exactly what its allocation added.
 *
 * A block that was drawn among others by the kernel side says itself for how many it stands (EVENT_SAMPLE): that is in a table
 * of its own, and p is the inverse of it.
 *
 * A block that is resized in place keeps the p that it was drawn with. Few are: the sizes that those were drawn with are in
 * a table of their own.
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

static uint64_t drawn_bytes(const struct heap_process *p, const struct block *block)
{
	const struct block *drawn = NULL;
	uint64_t bytes = block->bytes;

	if (p->resized.count)
		drawn = blocks_find(&p->resized, block->address);
	if (drawn && drawn->born_ns == block->born_ns)
		bytes = drawn->bytes;
	return bytes ? bytes : 1; /* as sample_wanted() has it: else they would never be seen */
}

bool weight_resize(struct heap_process *p, const struct block *block)
{
	struct block *drawn = blocks_find(&p->resized, block->address);

	if (!drawn)
		return blocks_insert(&p->resized, block) != NULL;
	if (drawn->born_ns != block->born_ns)
		*drawn = *block;
	return true;
}

bool weight_set(struct heap_process *p, const struct block *block, uint64_t count)
{
	struct block weight = *block;

	weight.bytes = count;
	return blocks_insert(&p->weights, &weight) != NULL;
}

/* 0: it was not drawn for others. */
static uint64_t stands_for(const struct heap_process *p, const struct block *block)
{
	const struct block *weight =
		p->weights.count ? blocks_find(&p->weights, block->address) : NULL;

	return weight && weight->born_ns == block->born_ns ? weight->bytes : 0;
}

void weight_forget(struct heap_process *p, const struct block *block)
{
	struct block *drawn = NULL;

	if (p->weights.count)
		drawn = blocks_find(&p->weights, block->address);
	if (drawn)
		blocks_remove(&p->weights, drawn);
	drawn = NULL;
	if (p->resized.count)
		drawn = blocks_find(&p->resized, block->address);
	if (drawn)
		blocks_remove(&p->resized, drawn);
}

double chance_of(const struct heap *h, const struct heap_process *p, const struct block *block)
{
	uint64_t count = stands_for(p, block);

	if (count)
		return 1 / (double)count;
	return h->sample_bytes ? -expm1(-(double)drawn_bytes(p, block) / (double)h->sample_bytes)
			       : 1;
}

struct weight weight_sampled(const struct heap *h, const struct heap_process *p,
			     const struct block *block)
{
	uint64_t address = block->address, born_ns = block->born_ns, count = stands_for(p, block);
	double chance;

	if (count)
		return (struct weight){.bytes = block->bytes * count, .count = count};
	chance = chance_of(h, p, block);
	return (struct weight){
		.bytes = round_by((double)block->bytes / chance, mix(address ^ mix(born_ns))),
		.count = round_by(1 / chance, mix(address ^ mix(born_ns + 1))),
	};
}
