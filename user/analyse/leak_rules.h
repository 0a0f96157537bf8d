/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules by which a site is called a leak; docs/analysis.md says why they are so. Pure. */
#ifndef ANALYSE_LEAK_RULES_H
#define ANALYSE_LEAK_RULES_H

#include "judge.h"

#define CHANCE_MOST   0.01 /* p of a growth that is believed */
#define SAMPLES_LEAST 4u
#define MEMORY	      4 /* windows for which freed elders are remembered */

struct leak_case {
	const struct judge_options *o;
	const struct judge_window *w;
	const struct series *s;
	const struct judge_site *site;
	const struct span *p; /* of the window */
};

/* Where the values begin, without those that are too large by chance. */
double lowest_early(const double *v, uint32_t count);
/* With much coming and going the interval of a slope is wide; that is not to count against what is below it. */
double upper_half(const struct trend *t);
/* Of those that were elders in so many seconds. */
struct survival survival_of(const struct judge_options *o, const struct judge_window *w,
			    const struct series *s, double seconds);
/* `now_per_s`: upper_half() of the blocks in the window. */
enum leak_rule leak_rule_of(const struct leak_case *c, double now_per_s);

#endif /* ANALYSE_LEAK_RULES_H */
