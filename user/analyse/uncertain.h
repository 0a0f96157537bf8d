/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far the figures of a site or a process of a sampled run may be off. Pure; any thread. */
#ifndef ANALYSE_UNCERTAIN_H
#define ANALYSE_UNCERTAIN_H

#include "../heap/error.h"

struct uncertain {
	struct errors errors;
	uint64_t sample_bytes;
	bool sizes_vary;	/* errors_sizes_vary() */
	double growth_variance; /* in bytes per second */
	double growth_unit;	/* the most that one sample adds to it */
};

struct interval uncertain_bytes(const struct uncertain *u, enum figure figure);
struct interval uncertain_count(const struct uncertain *u, enum figure figure);
/* As interval_text(); "at least 1.20k" when no more is known of it. */
const char *uncertain_count_text(const struct uncertain *u, enum figure figure, uint64_t count,
				 char *out, size_t size);
struct interval uncertain_growth(const struct uncertain *u, double growth_bytes_per_s);
/* Adds what was drawn by itself: sites, or processes that inherited nothing. */
void uncertain_add(struct uncertain *to, const struct uncertain *u);
/* Adds what may be the same blocks again, as a child has them: then errors do not cancel out. */
void uncertain_add_copy(struct uncertain *to, const struct uncertain *u);

#endif /* ANALYSE_UNCERTAIN_H */
