/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One walk over the generations of a site, at most a hundred. Births are known to a leak interval, the oldest ones of long
 * histories less exactly (generations.h).
 */
#include "survivors.h"
#include <math.h>
#include <string.h>
#include "../base/clock.h"
#include "span.h"

#define MARGIN		     1.25 /* so much older than the oldest freed block, or a quarter of a window */
#define APART_S		     3.0 /* births further apart than that are of two bursts */
#define TURNOVER_LEAST_SHARE 0.5 /* of all blocks */
#define TURNOVER_LEAST	     8u	 /* blocks that went */
#define TOGETHER	     4u	 /* born at once they may go at once: so many count */

/* ---- turnovers ---- */

/* Blocks of the generation of the last look count as of before it: fewer turnovers are seen, none too many. */
static void look_for_turnover(struct survivors *v, const struct survivors_options *o,
			      struct heap *h, const struct site *s, uint64_t blocks)
{
	uint32_t since = heap_generation(h, v->at_ns) + 1;
	uint64_t left = generations_older(&s->generations, since);
	uint64_t gone = v->counted > left ? v->counted - left : 0;
	uint32_t elders = s->elder_frees - v->elder_frees;

	gone = elders > gone ? elders : gone;
	if (gone >= TURNOVER_LEAST && (double)gone > TURNOVER_LEAST_SHARE * (double)v->counted)
		v->turnover_ns = v->at_ns;
	v->counted = blocks;
	v->elder_frees = s->elder_frees;
	v->at_ns = o->now_ns;
}

/* ---- births ---- */

static void add_burst(struct survivors *v, uint64_t first_ns, uint64_t born_ns, uint64_t blocks)
{
	struct burst *last = v->burst_count ? &v->bursts[v->burst_count - 1] : NULL;

	if (last && span_seconds(last->last_ns, first_ns) <= APART_S) {
		last->last_ns = born_ns;
		last->blocks += blocks;
	} else if (v->burst_count < BURSTS_MOST) {
		v->bursts[v->burst_count++] = (struct burst){first_ns, born_ns, blocks};
	}
}

/* Born no later than that, where several generations were joined. */
static void add_births(struct survivors *v, const struct survivors_options *o, uint64_t first_ns,
		       uint64_t born_ns, uint64_t blocks)
{
	double age_s = span_seconds(born_ns, o->now_ns);
	double span = (age_s - v->age_s) / o->window_s * SURVIVOR_SPANS;

	if (span >= 0 && span < SURVIVOR_SPANS)
		v->born[(uint32_t)span] += blocks;
	if (span >= 0 ||
	    v->longest_s <= 0) /* of what was never freed the young ones are as the old */
		add_burst(v, first_ns, born_ns, blocks);
}

/* What a site began with may be a start-up or the bottom of a stack: that it stays says nothing of what comes later. */
static void add_outlived(struct survivors *v, const struct survivors_options *o,
			 const struct site *s, uint64_t born_ns, uint64_t blocks)
{
	double age_s = span_seconds(born_ns, o->now_ns);

	if (born_ns > s->first_ns + (uint64_t)(SURVIVORS_START_S * NS_PER_S))
		v->outlived_s += fmax(age_s - v->longest_s, 0) * fmin((double)blocks, TOGETHER);
}

static void look_at_births(struct survivors *v, const struct survivors_options *o, struct heap *h,
			   const struct site *s)
{
	struct generation one;
	uint32_t at = 0;

	memset(v->born, 0, sizeof(v->born));
	v->burst_count = 0;
	v->outlived_s = 0;
	v->longest_s = (double)s->longest_ns / NS_PER_S;
	v->age_s = fmax(o->elder_s, fmin(MARGIN * v->longest_s, v->longest_s + o->window_s / 4));
	while (generations_next(&s->generations, &at, &one)) {
		uint64_t born_ns = heap_generation_start(h, one.last);

		add_births(v, o, heap_generation_start(h, one.number), born_ns, one.alive);
		add_outlived(v, o, s, born_ns, one.alive);
	}
}

/* Each at the middle of its class, by the logarithm. */
static double mean_life(const struct lifetimes *l, double elder_s)
{
	double sum = 0, count = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS && lifetimes_age_start_s(i) < elder_s; i++) {
		sum += l->ages.v[i] * lifetimes_age_start_s(i) * M_SQRT2;
		count += l->ages.v[i];
	}
	return count > 0 ? sum / count : 0;
}

static double blocks_aged(const struct generations *g, struct heap *h, uint64_t now_ns,
			  double from_s, double to_s)
{
	uint64_t from_ns = (uint64_t)(from_s * NS_PER_S), to_ns = (uint64_t)(to_s * NS_PER_S);

	if (now_ns < to_ns)
		return 0;
	return (double)generations_older(g, heap_generation(h, now_ns - from_ns)) -
	       (double)generations_older(g, heap_generation(h, now_ns - to_ns));
}

/* Of the last two classes of ages before elders: those who died there, by how many there are, if it was so all of the time. */
static double death_rate(const struct survivors_options *o, struct heap *h, const struct site *s,
			 const struct lifetimes *l)
{
	uint32_t end = 0;
	double from_s, to_s, seconds, there;

	while (end + 1 < HISTOGRAM_BUCKETS && lifetimes_age_start_s(end + 1) <= o->elder_s)
		end++;
	if (end < 2)
		return 0;
	from_s = lifetimes_age_start_s(end - 2);
	to_s = lifetimes_age_start_s(end);
	seconds = span_seconds(s->first_ns, o->now_ns) - (from_s + to_s) / 2;
	there = blocks_aged(&s->generations, h, o->now_ns, from_s, to_s) * fmax(seconds, 1);
	return (l->ages.v[end - 2] + l->ages.v[end - 1]) / fmax(there, 1);
}

void survivors_look(struct survivors *v, const struct survivors_options *o, struct heap *h,
		    uint32_t site)
{
	const struct site *s = heap_site(h, site);
	const struct lifetimes *l;

	look_for_turnover(v, o, h, s, generations_older(&s->generations, UINT32_MAX));
	if (!o->elders)
		return;
	v->untested = o->elders -
		      fmin(o->elders,
			   generations_older(&s->generations, heap_generation(h, v->turnover_ns)));
	if (s->bulk) /* nobody knows which of its blocks are freed */
		return;
	look_at_births(v, o, h, s);
	l = heap_site_lifetimes(h, site);
	v->life_s = mean_life(l, o->elder_s);
	v->deaths_per_s = death_rate(o, h, s, l);
}
