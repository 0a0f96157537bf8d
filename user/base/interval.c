/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intervals that cover the truth 95 times in 100, also for a handful of samples, where the plain
 * +-1.96 standard errors cover it 80 to 90 times.
 *
 * A figure is what was seen, which is certain, and a rest x, of which d was estimated with the
 * variance v. The rest is made of things that were found by chance, each sample standing for about
 * k = v / d. Two cases:
 *
 * Most are missed (the usual one). Then samples are counts of rare events, and the variance is not v
 * but k x, so that x lies where its distance to d is within what that allows:
 *
 *	(d - x)^2 <= z^2 k x,   so   x = d + z^2 k / 2 +- z sqrt(v + z^2 k^2 / 4)
 *
 * (Rao's score interval for a Poisson mean, in units of k. Garwood's exact one covers 96 to 99 times
 * in 100: too wide.) The upper end takes for k the largest there was, since samples that stand for
 * much are rare. With many samples it is all the same: d +- z sqrt(v).
 *
 * Many are found, so that few are missed: a whole number of them, maybe none. With the chance
 * p = item / k of being found, that number has a negative binomial distribution of mean d / item and
 * variance v / item^2, and the interval is between its quantiles.
 */
#include "interval.h"
#include <math.h>
#include <stdio.h>
#include "units.h"

#define Z95	     1.959964
#define RELATIVE     0.3 /* wider ones are shown by their ends */
#define LOPSIDED     1.3
#define EXACT	     1e-9
#define UNLIKE	     2.0
#define TAIL	     0.025
#define CHANCE_LEAST 0.05
#define MISSING_MOST 300.0 /* more are as many as any number */

static double half_width(double variance, double unit)
{
	return Z95 * sqrt(variance + Z95 * Z95 * unit * unit / 4);
}

/* How many failures there are before success number `r`, each of chance p: where the sum of the
 * probabilities passes `share`. */
static double quantile(double r, double p, double share)
{
	double probability = pow(p, r), sum = probability;
	double k;

	for (k = 0; sum < share && k < MISSING_MOST * 4; k++) {
		probability *= (r + k) / (k + 1) * (1 - p);
		sum += probability;
	}
	return k;
}

static struct interval few_missing(const struct estimate *e, double chance)
{
	double found = e->missing / e->item * chance / (1 - chance) + 0.5; /* Jeffreys' prior */
	double low = quantile(found, chance, TAIL), high = quantile(found, chance, 1 - TAIL);

	return (struct interval){.low = e->certain + e->item * low,
				 .high = e->certain + e->item * high};
}

static struct interval most_missing(const struct estimate *e, double unit)
{
	double value = e->certain + e->missing, most = fmax(unit, e->unit);
	double low = value + Z95 * Z95 * unit / 2 - half_width(e->variance, unit);

	return (struct interval){
		.low = fmax(low, e->certain),
		.high = value + Z95 * Z95 * most / 2 + half_width(e->variance, most),
	};
}

struct interval interval_of(const struct estimate *e)
{
	double unit = e->missing > 0 ? e->variance / e->missing : 0;
	double chance = unit > 0 ? e->item / unit : 0;

	struct interval rare = most_missing(e, unit), few;

	if (chance <= CHANCE_LEAST || chance >= 1 || e->missing >= MISSING_MOST * e->item)
		return rare;
	few = few_missing(e, chance);
	/* among many that are found, some stand for much */
	if (e->unit > UNLIKE * unit)
		few.high = fmax(few.high, rare.high);
	return few;
}

struct interval interval_of_change(double value, double variance, double unit)
{
	double half = half_width(fmax(variance, 0), fmax(unit, 0));

	return (struct interval){.low = value - half, .high = value + half};
}

static int is_narrow(double value, struct interval i)
{
	double below = value - i.low, above = i.high - value;

	return above <= RELATIVE * value && above <= LOPSIDED * below;
}

/* Rounded up: never narrower than it is. */
static const char *percent_text(double share, char *out, size_t size)
{
	double percent = share * 100;

	if (percent < 0.1)
		snprintf(out, size, "+-<0.1%%");
	else if (percent < 9.95)
		snprintf(out, size, "+-%.1f%%", ceil(percent * 10 - EXACT) / 10);
	else
		snprintf(out, size, "+-%.0f%%", ceil(percent - EXACT));
	return out;
}

const char *interval_text(double value, struct interval i, interval_unit_fn *unit, char *out,
			  size_t size)
{
	char low[16], high[16];

	if (i.high - i.low <= EXACT * fabs(value)) {
		snprintf(out, size, "exact");
		return out;
	}
	if (is_narrow(value, i))
		return percent_text(fmax(i.high - value, value - i.low) / value, out, size);
	snprintf(out, size, "%s..%s", unit((uint64_t)floor(fmax(i.low, 0)), low, sizeof(low)),
		 unit((uint64_t)ceil(fmin(fmax(i.high, 0), 0x1p63)), high, sizeof(high)));
	return out;
}

const char *interval_change_text(double value, struct interval i, char *out, size_t size)
{
	char half[16];

	snprintf(out, size, "+-%s",
		 units_bytes((uint64_t)fmin(ceil(fmax(i.high - value, 0)), 0x1p63), half,
			     sizeof(half)));
	return out;
}
