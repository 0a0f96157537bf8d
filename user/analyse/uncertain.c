/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sums of errors, and the intervals that come of them. Variances of what was drawn by itself add up;
 * of what may be the same, standard errors do.
 */
#include "uncertain.h"
#include <math.h>
#include <stdio.h>
#include "../base/units.h"

struct interval uncertain_bytes(const struct uncertain *u, enum figure figure)
{
	return errors_bytes(&u->errors, figure, u->sample_bytes);
}

struct interval uncertain_count(const struct uncertain *u, enum figure figure)
{
	return errors_count(&u->errors, figure, u->sample_bytes);
}

const char *uncertain_count_text(const struct uncertain *u, enum figure figure, uint64_t count,
				 char *out, size_t size)
{
	struct interval i = uncertain_count(u, figure);
	char low[16];

	if (!u->sizes_vary || i.high <= i.low)
		return interval_text((double)count, i, units_count, out, size);
	snprintf(out, size, "at least %s", units_count((uint64_t)i.low, low, sizeof(low)));
	return out;
}

struct interval uncertain_growth(const struct uncertain *u, double growth_bytes_per_s)
{
	return interval_of_change(growth_bytes_per_s, u->growth_variance, u->growth_unit);
}

static void add_growth(struct uncertain *to, const struct uncertain *u)
{
	to->sample_bytes = u->sample_bytes;
	to->sizes_vary |= u->sizes_vary;
	to->growth_unit = fmax(to->growth_unit, u->growth_unit);
}

void uncertain_add(struct uncertain *to, const struct uncertain *u)
{
	errors_add(&to->errors, &u->errors);
	to->growth_variance += u->growth_variance;
	add_growth(to, u);
}

static double of_copies(double a, double b)
{
	double sum = sqrt(fmax(a, 0)) + sqrt(fmax(b, 0));

	return sum * sum;
}

/*
 * Outstanding is the difference of two sums, whose standard errors have none: what of it may be a
 * copy goes to the allocated alone, and what was freed is as much as there is.
 */
void uncertain_add_copy(struct uncertain *to, const struct uncertain *u)
{
	struct error_sums a = errors_of(&to->errors, FIGURE_OUTSTANDING);
	struct error_sums b = errors_of(&u->errors, FIGURE_OUTSTANDING);
	double bytes = of_copies(a.bytes_variance, b.bytes_variance);
	double count = of_copies(a.count_variance, b.count_variance);

	errors_add(&to->errors, &u->errors);
	to->errors.alloc.bytes_variance = to->errors.free.bytes_variance + bytes;
	to->errors.alloc.count_variance = to->errors.free.count_variance + count;
	to->growth_variance = of_copies(to->growth_variance, u->growth_variance);
	add_growth(to, u);
}
