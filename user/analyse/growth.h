/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How sites and processes change over the leak window: a bounded history of samples, and from it
 * rates, verdicts and scores. What takes a heap needs the lock of its owner for the time of the call.
 */
#ifndef ANALYSE_GROWTH_H
#define ANALYSE_GROWTH_H

#include <stdbool.h>
#include <stdint.h>
#include "series.h"
#include "snapshot.h"

struct growth_options {
	double window_s;   /* 0: 30 */
	double interval_s; /* between two calls of growth_sample(); 0: 1 */
	double threshold; /* growth over the window relative to its start; below it a site is steady
			   */
};

/* From which age on blocks are elders, with such a window: heap_options.elder_ns must be that. */
double growth_elder_s(double window_s);

struct growth;

/* NULL when out of memory. */
struct growth *growth_new(const struct growth_options *options);
void growth_free(struct growth *g);
/* From now on figures are estimates of this coverage. Nothing changes when it is not partial. */
void growth_cover(struct growth *g, const struct coverage_figures *coverage);
/*
 * Takes a sample; to be called each leak interval, and once at the start. 0 or -ENOMEM (then the
 * histories of some sites have a hole).
 */
int growth_sample(struct growth *g, struct heap *h, uint64_t now_ns);
/*
 * The same in pieces, between which the lock may be given back; the heap had so many sites and processes before. Begin
 * returns false when no sample is due (then no more is to be done), some until the last piece is taken; its now_ns is that
 * of the piece. Then sites and processes are of slightly different moments.
 */
bool growth_sample_begin(struct growth *g, uint32_t sites, uint32_t processes, uint64_t now_ns);
bool growth_sample_some(struct growth *g, struct heap *h, uint64_t now_ns);
int growth_sample_end(struct growth *g);

/* What the last sample was judged by, for histories of other things that are sampled at the same moments. */
struct judging;
void growth_judging(const struct growth *g, struct judging *out);

/*
 * Rates, verdict and score of a snapshot, for its builder (build.c): look at the moment first, then fill each site, and in
 * the end the processes, whose totals are there. No sample in between.
 */
void growth_look(struct growth *g, uint64_t now_ns);
void growth_fill_site(struct growth *g, struct heap *h, struct snapshot_site *out);
void growth_fill_processes(struct growth *g, struct snapshot *s);

/*
 * The whole history of a site or a process, by heap index: points in order of time, the older the sparser; what changed last may be
 * of the newest sample, and holds until now. Borrowed until the next sample. Frees are allocations less `count`.
 */
size_t growth_site_series(const struct growth *g, uint32_t site,
			  const struct series_point **points);
size_t growth_process_series(const struct growth *g, uint32_t process,
			     const struct series_point **points);

/*
 * The same for a plot: what a site had outstanding at moments evenly spaced from the first sample to the newest, how many, at most
 * `capacity`. The moments are the same for all sites, so that those of several can be added up.
 */
struct growth_point {
	uint64_t time_ns, bytes;
};
size_t growth_history(const struct growth *g, uint32_t site, struct growth_point *points,
		      size_t capacity);

#endif /* ANALYSE_GROWTH_H */
