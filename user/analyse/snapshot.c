/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be done with a snapshot once it is built (build.c): order it, name its keys, free it.
 *
 * Invariant: an order is total: equal keys are ordered by process, then by site, so that the same
 * heap gives the same output.
 */
#include "snapshot.h"
#include <stdlib.h>
#include <string.h>

static const char *const verdict_names[] = {
	[VERDICT_NEW] = "new",	 [VERDICT_STEADY] = "steady", [VERDICT_GROWING] = "growing",
	[VERDICT_LEAK] = "leak", [VERDICT_NONE] = "",
};

static const char *const sort_names[SORT_KEYS] = {
	[SORT_OUTSTANDING] = "outstanding",
	[SORT_COUNT] = "count",
	[SORT_GROWTH] = "growth",
	[SORT_SCORE] = "score",
	[SORT_RATE] = "rate",
	[SORT_OLDEST] = "oldest",
	[SORT_PEAK] = "peak",
	[SORT_AT_PEAK] = "at-peak",
};

const char *verdict_name(enum verdict v)
{
	return verdict_names[v];
}

bool sort_key_parse(const char *name, enum sort_key *key)
{
	for (int i = 0; i < SORT_KEYS; i++) {
		if (!strcmp(name, sort_names[i])) {
			*key = (enum sort_key)i;
			return true;
		}
	}
	return false;
}

const char *sort_key_name(enum sort_key key)
{
	return sort_names[key];
}

void snapshot_free(struct snapshot *s)
{
	size_t i;

	for (i = 0; i < s->process_count; i++)
		go_pools_figures_done(&s->processes[i].go_pools);
	free(s->processes);
	free(s->sites);
	free(s->uncertain);
	free(s->changes);
	free(s->goroutines);
	memset(s, 0, sizeof(*s));
}

struct order {
	enum sort_key key;
	bool inverted;
};

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_double(double a, double b)
{
	return (a > b) - (a < b);
}

static int compare_i64(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* Below 0 when a has less. All sites of a snapshot have a change, or none has. */
static int compare_change(enum sort_key key, const struct change *a, const struct change *b)
{
	if (key == SORT_COUNT)
		return compare_i64(a->outstanding_count, b->outstanding_count);
	return compare_i64(a->outstanding_bytes, b->outstanding_bytes);
}

/* Below 0 when a has less. */
static int compare_key(enum sort_key key, const struct snapshot_site *a,
		       const struct snapshot_site *b)
{
	if (a->change && b->change && (key == SORT_OUTSTANDING || key == SORT_COUNT))
		return compare_change(key, a->change, b->change);
	switch (key) {
	case SORT_COUNT:
		return compare_u64(a->totals.outstanding_count, b->totals.outstanding_count);
	case SORT_GROWTH: return compare_double(a->growth_bytes_per_s, b->growth_bytes_per_s);
	case SORT_SCORE: return compare_double(a->score, b->score);
	case SORT_RATE: return compare_double(a->allocs_per_s, b->allocs_per_s);
	case SORT_OLDEST: return compare_double(a->oldest_s, b->oldest_s);
	case SORT_PEAK: return compare_u64(a->totals.peak_bytes, b->totals.peak_bytes);
	case SORT_AT_PEAK: return compare_u64(a->bytes_at_peak, b->bytes_at_peak);
	default: return compare_u64(a->totals.outstanding_bytes, b->totals.outstanding_bytes);
	}
}

static int compare_sites(const void *left, const void *right, void *context)
{
	const struct snapshot_site *a = left, *b = right;
	const struct order *order = context;
	int c = compare_key(order->key, b, a);

	if (c)
		return order->inverted ? -c : c;
	c = compare_u64(a->process, b->process);
	return c ? c : compare_u64(a->site, b->site);
}

void snapshot_sort(struct snapshot *s, enum sort_key key, bool inverted)
{
	struct order order = {.key = key, .inverted = inverted};

	if (s->site_count)
		qsort_r(s->sites, s->site_count, sizeof(*s->sites), compare_sites, &order);
}
