/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A leak is a share of a site's blocks that is never freed. Whatever the others do, those that are never freed get old: so all rules
 * look at what has got old.
 *
 * steadily   the elders grow (Mann-Kendall, in several steps, by more than the threshold), so few of them are freed that nine in ten would
 *            outlive another window, surely a good part; and the site still grows at about that rate: what only filled has stopped
 * survivors  the same by births of what is older than anything that was ever freed, where many live nearly as long as elders
 * in bursts  a few bursts of like size, of which nothing was ever freed, and not more time since the last than between them
 * enlarged   blocks that realloc only makes larger, and none is freed
 *
 * Against the first three speaks a turnover, and that what is hardly ever freed comes more slowly than it did: it fills.
 *
 * The first is looked for in the leak window, and then over longer spans, in which the history is sparser: a leak of a few blocks a
 * minute, or one that is small beside what has leaked before, shows only there.
 */
#include "leak_rules.h"
#include <math.h>
#include "../base/clock.h"

#define SURVIVAL_LEAK	0.9
#define ELDERS_LEAST	3    /* that many must have come */
#define STEP_MOST	0.75 /* of the elders that came, at one time */
#define GOES_ON		0.5  /* of the rate at which elders come, at least */
#define SURELY		0.4  /* of the elders would outlive another window, with 95 % confidence */
#define NEAR		8u /* samples at the beginning, the lowest of which is where a growth begins */
#define CYCLES		2.5 /* what is built anew again and again is to outlive so many of its lives */
#define START_S		SURVIVORS_START_S
#define ALIKE		3.0 /* sizes of bursts */
#define BURST_BLOCKS	6u
#define OVERDUE		1.5 /* a burst, in times between two */
#define SURVIVORS_LEAST 5   /* without those of the sixth that has most */
#define EXPECTED	5   /* deaths, none of which was */
#define ANOTHER_KIND	12  /* the same for the rule of survivors */
#define OLDEST		2.5 /* windows: so old survivors may be; generations before are known less exactly */
#define FREED_HARDLY	0.1 /* of the blocks, at most */
#define ENLARGED_STEP	0.4
#define ENLARGED_TIMES	4u

/* More than d are hardly to be expected where d were seen (95 %, Poisson, a little more than exact). */
static double most_of(double d)
{
	return d + 2 + 1.645 * sqrt(d + 1);
}

double lowest_early(const double *v, uint32_t count)
{
	double lowest = v[0];

	for (uint32_t i = 1; i < count && i < NEAR; i++)
		lowest = fmin(lowest, v[i]);
	return lowest;
}

double upper_half(const struct trend *t)
{
	return (t->slope + t->high) / 2;
}

/* ---- elders come ---- */

static double elders_came(const struct span *p)
{
	return p->elders[p->count - 1] - p->elders[0];
}

/* The most elders that came at one time, of all times: what was there at the start, or was loaded, is no base for a threshold. */
static double loaded(const struct series *s)
{
	double most = 0;

	for (uint32_t i = 0, j = 0; i < s->count; i++) {
		while (span_seconds(s->v[j].time_ns, s->v[i].time_ns) > START_S)
			j++;
		most = fmax(most, (double)s->v[i].elders - (j ? s->v[j - 1].elders : 0.0));
	}
	return most;
}

static bool blocks_grow(const struct judge_options *o, const struct span *p)
{
	struct trend t = trend_of(p->grid, p->blocks);

	return t.p < CHANCE_MOST &&
	       t.slope * p->seconds >= o->threshold * lowest_early(p->blocks, p->count);
}

static bool elders_grow(const struct leak_case *c, const struct span *p)
{
	struct rise r = span_rise(p->elders, p->count);
	double base = c->o->threshold * (p->elders[0] - loaded(c->s));

	if (p->count < SAMPLES_LEAST || r.sum < ELDERS_LEAST - 1 || r.step > STEP_MOST * r.sum)
		return false;
	/* as a part of the elders, or of all: there may be many of before */
	if (elders_came(p) < base && !blocks_grow(c->o, p))
		return false;
	return trend_of(p->grid, p->elders).p < CHANCE_MOST;
}

/* ---- it goes on ---- */

/* At which rate elders came in the second half of the span, in which they may have begun to be possible. */
static double elder_rate(const struct leak_case *c, const struct judge_window *w,
			 const struct span *p)
{
	struct rise r = span_rise(p->elders + p->recent, p->count - p->recent);
	double since = span_seconds(w->times_ns[p->recent], w->times_ns[p->count - 1]);
	double possible = span_seconds(c->site->first_ns, w->now_ns) - c->o->elder_s;

	return fmax(r.sum, 0) / fmax(fmin(since, possible), c->o->interval_s);
}

/* Those that come and go are as many as come in one life (Little 1961); their number wanders by its root, twice that at most, and no more than it did. */
static double wander(const struct leak_case *c, const struct span *p)
{
	const struct series_point *last = series_last(c->s);
	const struct series_point *then = series_at(c->s, c->w->times_ns[0]);
	double frees = (double)(last->allocs - last->count);
	double before = then ? (double)(then->allocs - then->count) : 0;
	double rate = (frees - before) / fmax(c->p->seconds, c->o->interval_s);
	double least = p->blocks[p->recent], most = least;

	for (uint32_t i = p->recent; i < p->count; i++) {
		least = fmin(least, p->blocks[i]);
		most = fmax(most, p->blocks[i]);
	}
	return fmin(2 * sqrt(2 * fmax(rate, 0) * c->site->survivors.life_s), most - least) /
	       (p->seconds / 2);
}

/* No elders come any more, although they came often. */
static bool has_stopped(const struct span *p)
{
	uint32_t last = p->count - 1, third = last - last / 3, from = 0;
	double came, now;

	while (from < third && p->elders[from + 1] <= p->elders[0])
		from++;
	came = span_rise(p->elders, third + 1).sum;
	now = fmax(p->elders[last] - p->elders[third], 0);
	return third > from && most_of(now) < GOES_ON * came * (last - third) / (third - from);
}

/* Not surely slower now than the rate at which the elders came: what had only to be filled has stopped. */
static bool goes_on(const struct leak_case *c, const struct judge_window *w, const struct span *p,
		    double tolerance)
{
	struct trend recent = trend_of(p->recent_grid, p->blocks + p->recent);
	double now_per_s = upper_half(&recent) + tolerance;
	double base = p->elders[p->count - 1] - loaded(c->s);

	return now_per_s > 0 && now_per_s >= GOES_ON * elder_rate(c, w, p) &&
	       now_per_s * p->seconds >= c->o->threshold * base && !has_stopped(p);
}

/* When there were more blocks than ever before since then, for the last time. */
static uint64_t last_record_ns(const struct series *s, uint64_t since_ns)
{
	uint64_t most = 0, at_ns = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		if (s->v[i].time_ns < since_ns || s->v[i].count <= most)
			continue;
		most = s->v[i].count;
		at_ns = s->v[i].time_ns;
	}
	return at_ns;
}

/*
 * What loses blocks has more of them than in the windows before, again and again. Where blocks are as many on average as before, and only
 * which of them are old changes, as on a stack, the last record is soon long ago.
 */
static bool sets_records(const struct leak_case *c)
{
	uint64_t memory_ns = (uint64_t)(MEMORY * c->o->window_s * NS_PER_S);
	uint64_t since_ns = c->w->now_ns > memory_ns ? c->w->now_ns - memory_ns : 0;

	return span_seconds(last_record_ns(c->s, since_ns), c->w->now_ns) <= c->o->window_s;
}

/* ---- elders stay ---- */

struct survival survival_of(const struct judge_options *o, const struct judge_window *w,
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

/* How long there were elders in so many seconds, all of them together, without some. */
static double elder_seconds(const struct judge_window *w, const struct series *s, double seconds,
			    double less)
{
	uint64_t memory_ns = (uint64_t)(seconds * NS_PER_S), until_ns = w->now_ns;
	uint64_t from_ns = w->now_ns > memory_ns ? w->now_ns - memory_ns : 0;
	double sum = 0;

	for (uint32_t i = s->count; i && until_ns > from_ns; i--) {
		const struct series_point *v = &s->v[i - 1];
		uint64_t since_ns = v->time_ns > from_ns ? v->time_ns : from_ns;

		sum += fmax(v->elders - less, 0) * span_seconds(since_ns, until_ns);
		until_ns = since_ns;
	}
	return sum;
}

/*
 * None of what is older than all that were freed has been seen to go, for so long: surely enough of them would outlive another window,
 * and would they go as those do that are a little younger, some would have gone.
 */
static bool outlived(const struct leak_case *c)
{
	const struct survivors *v = &c->site->survivors;

	if (exp(-3 * c->o->window_s / fmax(v->outlived_s, 1e-9)) < SURELY)
		return false;
	return v->deaths_per_s <= 0 || v->deaths_per_s * v->outlived_s >= EXPECTED;
}

/*
 * Do elders stay? With d of them freed in t seconds of elders, d / t a second are, and at most most_of(d) / t. Where elders
 * are few and new, it may be known from all blocks: when none that was as old as the outstanding ones are has ever been freed.
 */
static bool elders_stay(const struct leak_case *c, double seconds)
{
	struct survival v = survival_of(c->o, c->w, c->s, seconds);
	double d = (double)(v.elders - v.alive),
	       t = elder_seconds(c->w, c->s, seconds, loaded(c->s));
	double windows = t / c->o->window_s;

	if (d > 0 && exp(-d / fmax(windows, 1e-9)) < SURVIVAL_LEAK)
		return false;
	if (outlived(c))
		return true;
	return windows > 0 && exp(-most_of(d) / windows) >= SURELY;
}

/* ---- the rules ---- */

static bool leaks_in(const struct leak_case *c, const struct judge_window *w, const struct span *p)
{
	return elders_grow(c, p) && goes_on(c, w, p, wander(c, p)) && sets_records(c) &&
	       elders_stay(c, fmax(MEMORY * c->o->window_s, p->seconds));
}

static bool leaks_in_longer(const struct leak_case *c, double now_per_s, double seconds)
{
	struct judge_window longer;
	struct span p;
	double least;

	if (span_seconds(c->site->first_ns, c->w->now_ns) < seconds)
		return false;
	judge_window_longer(&longer, c->w, seconds);
	span_read(&p, &longer, c->s);
	/* what grew long ago and hardly does now was filled: its elders came long ago, too */
	least = GOES_ON * elders_came(&p) / seconds;
	return now_per_s >= least && elder_rate(c, &longer, &p) >= least &&
	       leaks_in(c, &longer, &p);
}

static bool leaks_steadily(const struct leak_case *c, double now_per_s)
{
	double all = span_seconds(c->s->v[0].time_ns, c->w->now_ns);
	double memory = MEMORY * c->o->window_s;

	if (leaks_in(c, c->w, c->p))
		return true;
	/* within the window it does grow, if not with confidence */
	if (now_per_s <= 0 || c->p->blocks[c->p->count - 1] <= c->p->blocks[0])
		return false;
	return leaks_in_longer(c, now_per_s, memory) ||
	       (all > 2 * memory && leaks_in_longer(c, now_per_s, all));
}

/* Would they die as the elders do, that long without a death were not to be expected (95 %). */
static bool is_another_kind(const struct leak_case *c)
{
	double seconds = MEMORY * c->o->window_s;
	struct survival v = survival_of(c->o, c->w, c->s, seconds);
	double t = elder_seconds(c->w, c->s, seconds, 0), d = (double)(v.elders - v.alive);

	return t > 0 && d / t * c->site->survivors.outlived_s >= ANOTHER_KIND;
}

static bool has_survivors(const struct leak_case *c)
{
	const struct survivors *v = &c->site->survivors;
	double sum = 0, first = 0, second = 0;

	for (uint32_t i = 0; i < SURVIVOR_SPANS; i++) {
		double born = (double)v->born[i];

		sum += born;
		second = born > first ? first : fmax(second, born);
		first = fmax(first, born);
	}
	sum -= first;
	return v->age_s <= OLDEST * c->o->window_s && sum >= SURVIVORS_LEAST &&
	       second <= STEP_MOST * sum && v->born[0] + v->born[1] > 0 && outlived(c) &&
	       is_another_kind(c) && goes_on(c, c->w, c->p, 0);
}

/* ---- against them ---- */

/* Frees that ended what was in the block. */
static uint64_t ends(const struct series_point *v)
{
	return v ? v->allocs - v->count - v->resizes : 0;
}

static bool is_hardly_freed(const struct leak_case *c)
{
	const struct series_point *last = series_last(c->s);

	return ends(last) <= FREED_HARDLY * (double)last->allocs;
}

static double blocks_at(const struct leak_case *c, uint64_t time_ns)
{
	const struct series_point *v = series_at(c->s, time_ns);

	return v ? (double)v->count : 0;
}

/*
 * Of what is hardly ever freed, does less come in the second half of its life than in the first? A pool has as many blocks as were ever
 * needed at the same time; such records come the more rarely the longer it lasts, and tables of all there is meet less and less that is new.
 */
static bool only_fills(const struct leak_case *c)
{
	uint64_t from_ns = c->site->first_ns + (uint64_t)(START_S * NS_PER_S);
	double now = (double)series_last(c->s)->count, half;

	if (from_ns < c->s->v[0].time_ns) /* what it began with is not to be told from a start-up */
		from_ns = c->s->v[0].time_ns;
	if (!is_hardly_freed(c) || c->w->now_ns <= from_ns)
		return false;
	half = blocks_at(c, from_ns + (c->w->now_ns - from_ns) / 2);
	return now - half < GOES_ON * (half - blocks_at(c, from_ns));
}

static bool is_start(const struct leak_case *c, const struct burst *b)
{
	return span_seconds(c->site->begun_ns, b->first_ns) < START_S;
}

/* Bursts of which all blocks are elders, at least. */
static uint32_t old_bursts(const struct leak_case *c)
{
	const struct survivors *v = &c->site->survivors;
	uint32_t old = 0;

	while (old < v->burst_count &&
	       span_seconds(v->bursts[old].last_ns, c->w->now_ns) >= v->age_s)
		old++;
	return old;
}

struct burst_sizes {
	uint64_t least, most, sum;
	double gap_s; /* the longest between two */
};

static struct burst_sizes sizes_of(const struct burst *b, uint32_t n)
{
	struct burst_sizes z = {.least = UINT64_MAX};

	for (uint32_t i = 0; i < n; i++) {
		z.least = b[i].blocks < z.least ? b[i].blocks : z.least;
		z.most = b[i].blocks > z.most ? b[i].blocks : z.most;
		z.sum += b[i].blocks;
		if (i)
			z.gap_s = fmax(z.gap_s, span_seconds(b[i - 1].first_ns, b[i].first_ns));
	}
	return z;
}

static bool leaks_in_bursts(const struct leak_case *c)
{
	const struct survivors *v = &c->site->survivors;
	const struct burst *b = v->bursts;
	uint32_t n = v->burst_count;
	struct burst_sizes z;
	struct survival freed;
	double since;

	if (n > 1 && is_hardly_freed(c) && (double)b[n - 1].blocks < GOES_ON * (double)b[0].blocks)
		return false; /* it fills, and what it began with is a part of that */
	if (n && is_start(c, b) && span_seconds(b->first_ns, b->last_ns) <= START_S) {
		b++;
		n--;
	}
	if (n < 2 || old_bursts(c) < 2 || v->burst_count == BURSTS_MOST)
		return false;
	z = sizes_of(b, n);
	since = span_seconds(last_record_ns(c->s, 0), c->w->now_ns);
	freed = survival_of(c->o, c->w, c->s, MEMORY * c->o->window_s);
	return (double)freed.alive >= SURVIVAL_LEAK * (double)freed.elders &&
	       (double)z.most <= ALIKE * (double)z.least && (z.sum >= BURST_BLOCKS || n > 2) &&
	       since <= OVERDUE * z.gap_s;
}

static bool is_enlarged(const struct leak_case *c)
{
	const struct span *p = c->p;
	uint64_t memory_ns = (uint64_t)(MEMORY * c->o->window_s * NS_PER_S);
	const struct series_point *last = series_last(c->s);
	const struct series_point *base = series_at(c->s, c->w->times_ns[0]), *then = NULL;
	struct rise all = span_rise(p->bytes, p->count);
	struct rise now = span_rise(p->bytes + p->recent, p->count - p->recent);
	struct trend t = trend_of(p->grid, p->bytes);

	if (c->w->now_ns > memory_ns)
		then = series_at(c->s, c->w->now_ns - memory_ns);
	if (ends(last) != ends(then) || last->resizes - (base ? base->resizes : 0) < ENLARGED_TIMES)
		return false;
	if (span_seconds(c->site->first_ns, c->w->now_ns) < c->o->elder_s + c->o->window_s / 6)
		return false;
	return t.p < CHANCE_MOST && all.step <= ENLARGED_STEP * all.sum &&
	       now.sum >= GOES_ON * all.sum / 2 && now.step <= STEP_MOST * now.sum &&
	       t.slope * p->seconds >= c->o->threshold * lowest_early(p->bytes, p->count);
}

/* Most elders were born since the last turnover, and it is not yet overdue. */
static bool is_in_turn(const struct leak_case *c)
{
	const struct survivors *v = &c->site->survivors;
	double since = span_seconds(v->turnover_ns, c->w->now_ns);

	return v->turnover_ns && 2 * v->untested > series_last(c->s)->elders &&
	       since < CYCLES * v->longest_s;
}

enum leak_rule leak_rule_of(const struct leak_case *c, double now_per_s)
{
	if (is_enlarged(c))
		return LEAK_ENLARGED;
	if (!series_last(c->s)->elders || is_in_turn(c) || only_fills(c))
		return LEAK_NONE;
	if (leaks_steadily(c, now_per_s))
		return LEAK_STEADY;
	if (has_survivors(c))
		return LEAK_SURVIVORS;
	return leaks_in_bursts(c) ? LEAK_BURSTS : LEAK_NONE;
}
