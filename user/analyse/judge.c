/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leak      one of the rules of leak_rules.c
 * growing   bytes grow, with confidence and by more than the threshold
 */
#include "judge.h"
#include <math.h>
#include <string.h>
#include "leak_rules.h"

#define YOUNG (1.0 / 3) /* of a window: nothing is said of a site before it is that old */

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
	span_read(&p, w, s);
	find_trends(&p, out);
}

/* ---- growth ---- */

static bool bytes_grow(const struct judge_options *o, const struct span *p, const struct trend *t)
{
	double growth = t->slope * p->seconds;

	return p->count >= SAMPLES_LEAST && t->p < CHANCE_MOST && t->low > 0 &&
	       growth >= o->threshold * lowest_early(p->bytes, p->count);
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
	double age_s = span_seconds(site->first_ns, w->now_ns);
	struct span p;
	struct leak_case c = {.o = o, .w = w, .s = s, .site = site, .p = &p};
	bool grow;

	memset(out, 0, sizeof(*out));
	if (!s->count || w->count < 2)
		return;
	span_read(&p, w, s);
	find_trends(&p, out);
	out->watched_s = fmin(p.seconds, age_s);
	out->survival = survival_of(o, w, s, MEMORY * o->window_s);
	if (age_s < YOUNG * o->window_s || w->count < SAMPLES_LEAST)
		return;
	grow = bytes_grow(o, &p, &out->bytes);
	out->rule = leak_rule_of(&c, upper_half(&out->blocks));
	if (out->rule)
		/* most frees go unseen: then nobody knows that its old blocks stay */
		out->verdict = o->gaps ? VERDICT_GROWING : VERDICT_LEAK;
	else if (grow && age_s < o->elder_s + YOUNG * o->window_s)
		out->verdict = VERDICT_NEW; /* its first blocks are too young */
	else
		out->verdict = grow ? VERDICT_GROWING : VERDICT_STEADY;
	out->score = score_of(out, &p);
}
