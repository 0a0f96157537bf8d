/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A leak is a share of a site's blocks that is never freed. Whatever the others do, those that are never freed get old: the
 * number of elders grows, steadily, and elders are not freed. Blocks that are freed before they are as old as that do not count at
 * all, so that a site may allocate 100,000 blocks a second and lose one.
 *
 * leak      the elders grow (Mann-Kendall, in several steps, by more than the threshold), so few of them are freed that nine in
 *           ten would outlive another window, surely at least half; and the site still grows at about that rate: what only filled has
 *           stopped
 * growing   bytes grow, with confidence and by more than the threshold
 *
 * Both are looked for in the leak window first, and then over longer spans, in which the history is sparser: a leak of a few blocks a
 * minute, or one that is small beside what has leaked before, shows only there.
 */
#include "judge.h"
#include <math.h>
#include <string.h>
#include "../base/clock.h"

#define CHANCE_MOST   0.01 /* p of a growth that is believed */
#define SURVIVAL_LEAK 0.9
#define ELDERS_LEAST  3	  /* that many must have come */
#define STEP_MOST     0.6 /* of the elders that came, at one time */
#define GOES_ON	      0.5 /* of the rate at which elders come, at least */
#define SURELY	      0.5 /* of the elders would outlive another window, with 95 % confidence */
#define MEMORY	      4	  /* windows for which freed elders are remembered */
#define SAMPLES_LEAST 4u
#define YOUNG	      (1.0 / 3) /* of a window: nothing is said of a site before it is that old */
#define NEAR	      8u /* samples at the beginning, the lowest of which is where a growth begins */

/* Values of one span of time, at samples of it. */
struct span {
	double seconds; /* between the first and the last of them */
	uint32_t count, recent;
	const struct trend_grid *grid, *recent_grid;
	double bytes[TREND_MAX], blocks[TREND_MAX], elders[TREND_MAX];
};

static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / NS_PER_S : 0;
}

/* Grids from times of which the last is now. */
static void make_grids(struct judge_window *w)
{
	double seconds[TREND_MAX];

	w->recent = 0;
	for (uint32_t i = 0; i < w->count; i++)
		seconds[i] = seconds_between(w->times_ns[0], w->times_ns[i]);
	while (w->recent + 1 < w->count && seconds[w->recent] < seconds[w->count - 1] / 2)
		w->recent++;
	trend_grid_init(&w->grid, seconds, w->count);
	trend_grid_init(&w->recent_grid, seconds + w->recent, w->count - w->recent);
}

void judge_window_init(struct judge_window *w, const uint64_t *times_ns, uint32_t count)
{
	uint32_t stride = count ? (count - 1) / TREND_MAX + 1 : 1;

	w->count = 0;
	w->now_ns = count ? times_ns[count - 1] : 0;
	for (uint32_t i = count ? (count - 1) % stride : 0; i < count; i += stride)
		w->times_ns[w->count++] = times_ns[i];
	make_grids(w);
}

/* Samples and points are both in order: one walk through both. */
static void read_span(struct span *p, const struct judge_window *w, const struct series *s)
{
	const struct series_point *first = w->count ? series_at(s, w->times_ns[0]) : NULL;
	uint32_t at = first ? (uint32_t)(first - s->v) : 0;

	p->count = w->count;
	p->recent = w->recent;
	p->grid = &w->grid;
	p->recent_grid = &w->recent_grid;
	p->seconds = w->count ? seconds_between(w->times_ns[0], w->times_ns[w->count - 1]) : 0;
	for (uint32_t i = 0; i < w->count; i++) {
		const struct series_point *v;

		while (at + 1 < s->count && s->v[at + 1].time_ns <= w->times_ns[i])
			at++;
		v = at < s->count && s->v[at].time_ns <= w->times_ns[i] ? &s->v[at] : NULL;
		p->bytes[i] = v ? (double)v->bytes : 0;
		p->blocks[i] = v ? (double)v->count : 0;
		p->elders[i] = v ? v->elders : 0;
	}
}

static void find_trends(const struct span *p, struct judgement *out)
{
	out->bytes = trend_of(p->grid, p->bytes);
	out->blocks = trend_of(p->grid, p->blocks);
	out->watched_s = p->seconds;
}

void judge_trends(const struct judge_window *w, const struct series *s, struct judgement *out)
{
	struct span p;

	memset(out, 0, sizeof(*out));
	read_span(&p, w, s);
	find_trends(&p, out);
}

/* ---- growth ---- */

/* Where the values begin, without those that are too large by chance. */
static double lowest_early(const double *v, uint32_t count)
{
	double lowest = v[0];

	for (uint32_t i = 1; i < count && i < NEAR; i++)
		lowest = fmin(lowest, v[i]);
	return lowest;
}

static bool bytes_grow(const struct judge_options *o, const struct span *p, const struct trend *t)
{
	double growth = t->slope * p->seconds;

	return p->count >= SAMPLES_LEAST && t->p < CHANCE_MOST && t->low > 0 &&
	       growth >= o->threshold * lowest_early(p->bytes, p->count);
}

/* How values went up, but for the one largest step: what was there from before gets old all at once. */
struct rise {
	double sum, step; /* all of it, and the largest step that is left */
	double start;	  /* the first value, with the step that was left out */
};

static struct rise rise_of(const double *v, uint32_t count)
{
	double first = 0, second = 0;

	for (uint32_t i = 1; i < count; i++) {
		double step = v[i] - v[i - 1];

		second = step > first ? first : fmax(second, step);
		first = fmax(first, step);
	}
	return (struct rise){
		.sum = count ? v[count - 1] - v[0] - first : 0,
		.step = second,
		.start = count ? v[0] + first : 0,
	};
}

static double elders_came(const struct span *p)
{
	return p->elders[p->count - 1] - p->elders[0];
}

static bool blocks_grow(const struct judge_options *o, const struct span *p)
{
	struct trend t = trend_of(p->grid, p->blocks);

	return t.p < CHANCE_MOST &&
	       t.slope * p->seconds >= o->threshold * lowest_early(p->blocks, p->count);
}

static bool elders_grow(const struct judge_options *o, const struct span *p)
{
	struct rise r = rise_of(p->elders, p->count);

	if (p->count < SAMPLES_LEAST || r.sum < ELDERS_LEAST - 1 || r.step > STEP_MOST * r.sum)
		return false;
	/* as a part of the elders, or of all: there may be many of before */
	if (elders_came(p) < o->threshold * p->elders[0] && !blocks_grow(o, p))
		return false;
	return trend_of(p->grid, p->elders).p < CHANCE_MOST;
}

/* At which rate elders came in the second half of the span, in which they may have begun to be possible. */
static double elder_rate(const struct judge_options *o, const struct judge_window *w,
			 const struct span *p, uint64_t first_ns)
{
	struct rise r = rise_of(p->elders + p->recent, p->count - p->recent);
	double since = seconds_between(w->times_ns[p->recent], w->times_ns[p->count - 1]);
	double possible = seconds_between(first_ns, w->now_ns) - o->elder_s;

	return fmax(r.sum, 0) / fmax(fmin(since, possible), o->interval_s);
}

/* With much coming and going the interval is wide; that is not to count against a leak below it. */
static double upper_half(const struct trend *t)
{
	return (t->slope + t->high) / 2;
}

/* Not surely slower now than the rate at which the elders came: what had only to be filled has stopped. */
static bool goes_on(const struct judge_options *o, const struct judge_window *w,
		    const struct span *p, uint64_t first_ns)
{
	struct trend recent = trend_of(p->recent_grid, p->blocks + p->recent);
	double now_per_s;

	now_per_s = upper_half(&recent);
	return now_per_s > 0 && now_per_s >= GOES_ON * elder_rate(o, w, p, first_ns) &&
	       now_per_s * p->seconds >= o->threshold * p->elders[p->count - 1];
}

/* ---- survival ---- */

/* Of those that were elders in so many seconds. */
static struct survival survival_of(const struct judge_options *o, const struct judge_window *w,
				   const struct series *s, double seconds)
{
	const struct series_point *last = series_last(s), *then = NULL;
	uint64_t memory_ns = (uint64_t)(seconds * NS_PER_S);
	uint32_t freed = last ? last->elder_frees : 0;

	if (w->now_ns > memory_ns && !o->gaps)
		then = series_at(s, w->now_ns - memory_ns);
	if (then)
		freed -= then->elder_frees;
	return (struct survival){
		.age_s = o->elder_s,
		.alive = last ? last->elders : 0,
		.elders = (last ? last->elders : 0) + (uint64_t)llround(freed * o->scale),
	};
}

/* The share that is left, as little as it may be: Wilson 1927. */
static double survival_share(const struct survival *v)
{
	double n = (double)v->elders, share = n > 0 ? (double)v->alive / n : 0, z = 1.959964;

	if (n <= 0)
		return 0;
	return (share + z * z / (2 * n) - z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))) /
	       (1 + z * z / n);
}

/* How long there were elders in so many seconds, all of them together. */
static double elder_seconds(const struct judge_window *w, const struct series *s, double seconds)
{
	uint64_t memory_ns = (uint64_t)(seconds * NS_PER_S), until_ns = w->now_ns;
	uint64_t from_ns = w->now_ns > memory_ns ? w->now_ns - memory_ns : 0;
	double sum = 0;

	for (uint32_t i = s->count; i && until_ns > from_ns; i--) {
		const struct series_point *v = &s->v[i - 1];
		uint64_t since_ns = v->time_ns > from_ns ? v->time_ns : from_ns;

		sum += v->elders * seconds_between(since_ns, until_ns);
		until_ns = since_ns;
	}
	return sum;
}

/*
 * Do elders stay? With d of them freed in t seconds of elders, d / t a second are, and at most (d + 2 + 1.645 sqrt(d + 1)) / t
 * (95 %, Poisson, a little more than exact). Where elders are few and new, it may be known from all blocks: when none that
 * was as old as the outstanding ones are has ever been freed.
 */
static bool elders_stay(const struct judge_options *o, const struct judge_window *w,
			const struct series *s, const struct judge_site *site, double seconds)
{
	struct survival v = survival_of(o, w, s, seconds);
	double d = (double)(v.elders - v.alive), t = elder_seconds(w, s, seconds);
	double windows = t / o->window_s, most = d + 2 + 1.645 * sqrt(d + 1);

	if (windows <= 0 || exp(-d / windows) < SURVIVAL_LEAK)
		return false;
	return exp(-most / windows) >= SURELY ||
	       exp(-3 * o->window_s / fmax(site->outlived_s, 1e-9)) >= SURELY;
}

/* ---- the verdict ---- */

static bool leaks_in(const struct judge_options *o, const struct judge_window *w,
		     const struct span *p, const struct series *s, const struct judge_site *site)
{
	return elders_grow(o, p) && goes_on(o, w, p, site->first_ns) &&
	       elders_stay(o, w, s, site, fmax(MEMORY * o->window_s, p->seconds));
}

/* Samples of a longer span, as far apart as need be. */
static void longer_window(struct judge_window *to, const struct judge_window *w, double seconds)
{
	uint64_t step_ns = (uint64_t)(seconds * NS_PER_S / (TREND_MAX - 1));

	to->now_ns = w->now_ns;
	to->count = TREND_MAX;
	for (uint32_t i = 0; i < TREND_MAX; i++)
		to->times_ns[i] = w->now_ns - step_ns * (TREND_MAX - 1 - i);
	make_grids(to);
}

static bool leaks_in_longer(const struct judge_options *o, const struct judge_window *w,
			    const struct series *s, const struct judge_site *site, double now_per_s,
			    double seconds)
{
	struct judge_window longer;
	struct span p;
	double least;

	if (seconds_between(site->first_ns, w->now_ns) < seconds)
		return false;
	longer_window(&longer, w, seconds);
	read_span(&p, &longer, s);
	/* what grew long ago and hardly does now was filled: its elders came long ago, too */
	least = GOES_ON * elders_came(&p) / seconds;
	return now_per_s >= least && elder_rate(o, &longer, &p, site->first_ns) >= least &&
	       leaks_in(o, &longer, &p, s, site);
}

static bool leaks(const struct judge_options *o, const struct judge_window *w, const struct span *p,
		  const struct series *s, const struct judge_site *site, double now_per_s)
{
	double all = seconds_between(s->v[0].time_ns, w->now_ns), memory = MEMORY * o->window_s;

	if (leaks_in(o, w, p, s, site))
		return true;
	/* within the window it does grow, if not with confidence */
	if (now_per_s <= 0 || p->blocks[p->count - 1] <= p->blocks[0])
		return false;
	return leaks_in_longer(o, w, s, site, now_per_s, memory) ||
	       (all > 2 * memory && leaks_in_longer(o, w, s, site, now_per_s, all));
}

static double score_of(const struct judgement *j, const struct span *p)
{
	double end = p->blocks[p->count - 1], bytes = p->bytes[p->count - 1];
	double growth = fmax(j->bytes.slope * p->seconds, 0);
	double share = bytes > 0 ? fmin(growth / bytes, 1) : 0;
	double sure = 1 - fmin(j->bytes.p, 1), stay = survival_share(&j->survival);

	if (j->verdict == VERDICT_LEAK)
		return 50 + 50 * stay * (0.6 + 0.2 * share + 0.2 * sure);
	if (j->verdict == VERDICT_GROWING)
		return 5 + 40 * share * sure * (0.5 + 0.5 * (end > 0 ? stay : 0));
	return 0;
}

void judge(const struct judge_options *o, const struct judge_window *w, const struct series *s,
	   const struct judge_site *site, struct judgement *out)
{
	double age_s = seconds_between(site->first_ns, w->now_ns);
	struct span p;
	bool grow;

	memset(out, 0, sizeof(*out));
	if (!s->count || w->count < 2)
		return;
	read_span(&p, w, s);
	find_trends(&p, out);
	out->watched_s = fmin(p.seconds, age_s);
	out->survival = survival_of(o, w, s, MEMORY * o->window_s);
	if (age_s < YOUNG * o->window_s || w->count < SAMPLES_LEAST)
		return;
	grow = bytes_grow(o, &p, &out->bytes);
	if (leaks(o, w, &p, s, site, upper_half(&out->blocks)))
		/* most frees go unseen: then nobody knows that its old blocks stay */
		out->verdict = o->gaps ? VERDICT_GROWING : VERDICT_LEAK;
	else if (grow && age_s < o->elder_s + YOUNG * o->window_s)
		out->verdict = VERDICT_NEW; /* its first blocks are too young */
	else
		out->verdict = grow ? VERDICT_GROWING : VERDICT_STEADY;
	out->score = score_of(out, &p);
}
