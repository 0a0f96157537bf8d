/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slopes of pairs are all made, without branches, since there are few values; of the sorted slopes only three ranks are
 * looked for. S of Mann and Kendall has the variance (n (n - 1) (2 n + 5) - sum over ties t (t - 1) (2 t + 5)) / 18, and the interval
 * of the slope are the ranks (pairs -+ 1.96 sqrt(that)) / 2 (Sen; Gilbert, Statistical Methods for Environmental Pollution
 * Monitoring, 1987, 16.5 and 17.3.2).
 */
#include "trend.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define PAIRS_MAX (TREND_MAX * (TREND_MAX - 1) / 2)
#define Z_95	  1.959964

void trend_grid_init(struct trend_grid *g, const double *seconds, uint32_t count)
{
	uint32_t k = 0;

	g->count = count < TREND_MAX ? count : TREND_MAX;
	for (uint32_t j = 1; j < g->count; j++)
		for (uint32_t i = 0; i < j; i++)
			g->inverse[k++] = 1 / fmax(seconds[j] - seconds[i], 1e-9);
}

static bool is_constant(const double *v, uint32_t count)
{
	uint32_t i = 1;

	while (i < count && v[i] == v[0])
		i++;
	return i == count;
}

/* Fills the slopes; returns S, and in *ties the sum that ties take from the variance. */
static double compare_pairs(const struct trend_grid *g, const double *v, double *slopes,
			    double *ties)
{
	uint32_t k = 0;
	int32_t s = 0;

	*ties = 0;
	for (uint32_t j = 1; j < g->count; j++) {
		for (uint32_t i = 0; i < j; i++)
			slopes[k + i] = (v[j] - v[i]) * g->inverse[k + i];
		for (uint32_t i = 0; i < j; i++)
			s += (slopes[k + i] > 0) - (slopes[k + i] < 0);
		k += j;
	}
	for (uint32_t j = 0; j < g->count; j++) {
		int32_t same = 0;

		for (uint32_t i = 0; i < g->count; i++)
			same += v[i] == v[j];
		*ties += (same - 1) * (2.0 * same + 5);
	}
	return s;
}

static double middle_of(double a, double b, double c)
{
	double low = a < b ? a : b, high = a < b ? b : a;

	high = c < high ? c : high;
	return high > low ? high : low;
}

/*
 * Brings what is less than the pivot to the front and what is more to the end. Nothing foretells which of them a slope is: so each is
 * written to both places, and stays in one.
 */
static void part(double *v, int32_t count, double pivot, int32_t *less, int32_t *more)
{
	double above[PAIRS_MAX];
	int32_t below = 0, over = 0;

	for (int32_t i = 0; i < count; i++) {
		double x = v[i];

		v[below] = x;
		above[over] = x;
		below += x < pivot;
		over += x > pivot;
	}
	for (int32_t i = below; i < count - over; i++)
		v[i] = pivot;
	memcpy(v + count - over, above, (size_t)over * sizeof(*v));
	*less = below;
	*more = over;
}

/* Afterwards v[rank] is where it would be were v sorted, and nothing before it is larger (Hoare's selection). */
static double select_rank(double *v, int32_t low, int32_t high, int32_t rank)
{
	while (low < high) {
		double pivot = middle_of(v[low], v[low + (high - low) / 2], v[high]);
		int32_t less, more;

		part(v + low, high - low + 1, pivot, &less, &more);
		if (rank < low + less)
			high = low + less - 1;
		else if (rank > high - more)
			low = high - more + 1;
		else
			break;
	}
	return v[rank];
}

static double largest_of(const double *v, int32_t count)
{
	double most = v[0];

	for (int32_t i = 1; i < count; i++)
		most = v[i] > most ? v[i] : most;
	return most;
}

static void find_slopes(double *slopes, int32_t pairs, double deviation, struct trend *t)
{
	int32_t middle = pairs / 2, last = pairs - 1;
	int32_t low = (int32_t)floor((pairs - Z_95 * deviation) / 2) - 1;
	int32_t high = (int32_t)ceil((pairs + Z_95 * deviation) / 2);

	t->slope = select_rank(slopes, 0, last, middle);
	/* the larger ones are behind it, the other middle one is the largest before it */
	if (pairs % 2 == 0)
		t->slope = (t->slope + largest_of(slopes, middle)) / 2;
	low = low < 0 ? 0 : low;
	high = high > last ? last : high;
	t->low = low < middle ? select_rank(slopes, 0, middle - 1, low) : t->slope;
	t->high = high > middle ? select_rank(slopes, middle + 1, last, high) : t->slope;
}

struct trend trend_of(const struct trend_grid *g, const double *values)
{
	double slopes[PAIRS_MAX], ties, s, n = g->count, variance;
	struct trend t = {.p = 1};

	if (g->count < 2 || is_constant(values, g->count))
		return t;
	s = compare_pairs(g, values, slopes, &ties);
	variance = (n * (n - 1) * (2 * n + 5) - ties) / 18;
	find_slopes(slopes, (int32_t)(g->count * (g->count - 1) / 2), sqrt(fmax(variance, 0)), &t);
	if (variance > 0 && s != 0)
		t.p = erfc((fabs(s) - 1) / sqrt(variance) * M_SQRT1_2);
	return t;
}
