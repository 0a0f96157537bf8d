/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How figures stand in cells, and sums of the figures of sites: shared by the pages. The main thread
 * only. */
#ifndef VIEW_FIGURES_H
#define VIEW_FIGURES_H

#include <stdint.h>
#include "../analyse/snapshot.h"
#include "../base/buffer.h"
#include "theme.h"

struct view_data;

/* What several sites have together. Zero-initialised is nothing. */
struct site_sums {
	uint64_t bytes, count, alloc_bytes, alloc_count, temporary_count;
	double growth, rate, oldest_s;
	uint32_t sites, leaks;
	uint32_t largest; /* heap index of the site with most bytes; 0: none */
	uint64_t largest_bytes;
};

void site_sums_add(struct site_sums *sums, const struct snapshot_site *site);
/* by a sort key of grid.h. */
double site_sums_value(const struct site_sums *sums, int sort);

enum style figure_verdict_style(enum verdict verdict);
void figure_bytes(struct buffer *out, uint64_t bytes);
void figure_count(struct buffer *out, uint64_t count);
/* Per second, with its sign; what grows is marked. Nothing for NAN. */
void figure_growth(struct buffer *out, double growth, enum style *style);
void figure_rate(struct buffer *out, double per_second);
/* Nothing when it is negative. */
void figure_age(struct buffer *out, double seconds);
/* Nothing when there is no whole. */
void figure_share(struct buffer *out, double part, double whole);
/* The short form of a long C++ name: "new[]" of "operator new[](unsigned long)". */
void figure_call(struct buffer *out, uint8_t call);
/* The site's function, or where it is: "file.c:12" or "[module]"; "..." while it is not known. */
void figure_function(struct buffer *out, struct view_data *data, const struct snapshot_site *site);
void figure_source(struct buffer *out, struct view_data *data, const struct snapshot_site *site);

#endif /* VIEW_FIGURES_H */
