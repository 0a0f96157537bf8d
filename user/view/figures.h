/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How figures stand in cells, and sums of the figures of sites: shared by the pages. The main thread
 * only. */
#ifndef VIEW_FIGURES_H
#define VIEW_FIGURES_H

#include <stdint.h>
#include "../analyse/snapshot.h"
#include "../analyse/baseline.h"
#include "../base/buffer.h"
#include "theme.h"

struct view_data;

/* What a site or process has: since the baseline, where there is one. */
struct amounts {
	int64_t bytes, count, alloc_bytes, alloc_count, free_bytes, free_count, temporary_count;
	bool changes;
};

/* What several sites have together. Zero-initialised is nothing. */
struct site_sums {
	struct amounts amounts;
	double growth, rate, oldest_s;
	uint32_t sites, leaks;
	uint32_t largest; /* heap index of the site with most bytes; 0: none */
	int64_t largest_bytes;
};

struct amounts amounts_of(const struct totals *totals, const struct change *change);
void amounts_add(struct amounts *to, const struct amounts *a);

void site_sums_add(struct site_sums *sums, const struct snapshot_site *site);
void site_sums_merge(struct site_sums *to, const struct site_sums *sums);
/* by a sort key of grid.h. */
double site_sums_value(const struct site_sums *sums, int sort);
/* The same as a cell. */
void site_sums_cell(struct buffer *out, const struct site_sums *sums, int sort, enum style *style);

enum style figure_verdict_style(enum verdict verdict);
/* Outstanding ones, with a sign when they are a change. */
void figure_amount_bytes(struct buffer *out, const struct amounts *a);
void figure_amount_count(struct buffer *out, const struct amounts *a);
void figure_signed_count(struct buffer *out, int64_t count);
void figure_bytes(struct buffer *out, uint64_t bytes);
void figure_count(struct buffer *out, uint64_t count);
/* Per second, with its sign; what grows is marked. Nothing for NAN. */
void figure_growth(struct buffer *out, double growth, enum style *style);
void figure_rate(struct buffer *out, double per_second);
/* Nothing when it is negative. */
void figure_age(struct buffer *out, double seconds);
/* "1.5us", "12ms", "3m05s". */
void figure_time(struct buffer *out, double seconds);
/* Nothing when there is no whole. */
void figure_share(struct buffer *out, double part, double whole);
/* The short form of a long C++ name: "new[]" of "operator new[](unsigned long)". */
void figure_call(struct buffer *out, uint8_t call);
/* The site's function, or where it is: "file.c:12" or "[module]"; "..." while it is not known. */
void figure_function(struct buffer *out, struct view_data *data, const struct snapshot_site *site);
void figure_source(struct buffer *out, struct view_data *data, const struct snapshot_site *site);

#endif /* VIEW_FIGURES_H */
