/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "blind.h"

/* What may come from elsewhere than a heap: stacks, files, code that is used for the first time. */
#define GROWTH_BYTES ((uint64_t)16 << 20)
/* A sampler that sees nothing of so many times its mean is blind, not unlucky (e^-20). */
#define SAMPLES_MISSED 20
/* Single ones happen: calls that were under way at the attach, events that came late. */
#define REPEATS 100
#define SHARE	10

/* So many, beyond what losses explain, and not just a few among many? */
static bool many(uint64_t repeats, uint64_t lost, uint64_t of)
{
	return repeats > lost && repeats - lost >= REPEATS && repeats - lost >= of / SHARE;
}

static uint64_t lower_frees(const struct blind_facts *f)
{
	return f->layers > 1 ? f->frees - f->frees / f->layers : 0;
}

static bool grew_unseen(const struct blind_facts *f)
{
	uint64_t least = GROWTH_BYTES;

	if (f->filtered || f->allocs)
		return false;
	if (f->sample_bytes > least / SAMPLES_MISSED)
		least = f->sample_bytes * SAMPLES_MISSED;
	return f->growth_bytes >= least && f->growth_bytes - least >= f->ranges_bytes;
}

enum blind blind_find(const struct blind_facts *f)
{
	if (!f->filtered && !f->sample_bytes) {
		uint64_t lower = lower_frees(f);

		if (f->missed_allocs > lower && many(f->missed_allocs - lower, f->lost, f->allocs))
			return BLIND_ALLOCATIONS;
		if (many(f->reused, f->lost, f->allocs))
			return BLIND_FREES;
	}
	return grew_unseen(f) ? BLIND_ALL : BLIND_NOT;
}
