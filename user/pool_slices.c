/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pool_slices.h"

#include <math.h>

/* An idle process earns nothing; but then a slice costs nothing either. */
#define IDLE_CREDIT_NS 1e6

void pool_slices_begin(struct pool_slices *s, double percent, double max_overhead, uint64_t now_ns)
{
	*s = (struct pool_slices){.share = fmin(percent / 100, 1), .since_ns = now_ns};
	s->limit = POOL_SLICE_LIMIT / 100;
	if (max_overhead > 0)
		s->limit = fmin(max_overhead / 100 * POOL_SLICE_BUDGET_PART, 1);
	else if (s->share >= 1)
		s->limit = 1;
	s->pause_ns = POOL_SLICE_FIRST_NS;
}

static bool is_whole(const struct pool_slices *s)
{
	return s->share >= 1 && s->limit >= 1;
}

static enum pool_slice_action step_on(const struct pool_slices *s, uint64_t now_ns, double cost_ns)
{
	if (is_whole(s))
		return POOL_SLICE_STAY;
	if (cost_ns - s->begun_cost_ns >= POOL_SLICE_COST_NS)
		return POOL_SLICE_CLOSE;
	return now_ns - s->since_ns >= POOL_SLICE_NS && s->share < 1 ? POOL_SLICE_CLOSE
								     : POOL_SLICE_STAY;
}

enum pool_slice_action pool_slices_step(const struct pool_slices *s, uint64_t now_ns,
					double cost_ns, double cpu_ns)
{
	if (s->on)
		return step_on(s, now_ns, cost_ns);
	if (now_ns - s->since_ns < s->pause_ns)
		return POOL_SLICE_STAY;
	return cost_ns <= s->limit * cpu_ns + IDLE_CREDIT_NS ? POOL_SLICE_OPEN : POOL_SLICE_STAY;
}

void pool_slices_switched(struct pool_slices *s, bool on, uint64_t now_ns, double cost_ns)
{
	uint64_t length = now_ns - s->since_ns;

	if (s->on && !on) {
		s->count++;
		s->covered_ns += length;
		s->pause_ns = (uint64_t)((double)length * (1 / s->share - 1));
	}
	s->begun_cost_ns = cost_ns;
	s->on = on;
	s->since_ns = now_ns;
}

uint64_t pool_slices_next_ns(const struct pool_slices *s, uint64_t now_ns)
{
	uint64_t due = s->since_ns + s->pause_ns;

	return !s->on && due > now_ns + POOL_SLICE_STEP_NS ? due : now_ns + POOL_SLICE_STEP_NS;
}

uint64_t pool_slices_count(const struct pool_slices *s)
{
	return s->count + s->on;
}

uint64_t pool_slices_covered_ns(const struct pool_slices *s, uint64_t now_ns)
{
	return s->covered_ns + (s->on && now_ns > s->since_ns ? now_ns - s->since_ns : 0);
}
