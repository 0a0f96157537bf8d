/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Made of a site's totals and of the histograms of its sizes and lives. How many blocks there were at the same time is the peak
 * of its bytes over the mean size, rounded up. Where no life was measured (between two windows of --max-overhead) Little's law
 * bounds it: the mean life of a block is the mean number of blocks over the rate, and the peak is no less than the mean.
 */
#include "pools.h"

#include <math.h>
#include <stdlib.h>
#include "../../include/calls.h"

/* Fewer calls than this are not worth a change of the program. */
#define LEAST_ALLOCS 1000
#define LEAST_PER_S  10.0
/* Blocks must go again, and each place in a pool must be used often. */
#define LEAST_FREED    0.9
#define LEAST_TURNOVER 10.0
/* From here on temporary ones, and like sizes, are the rule. */
#define MOSTLY 0.9
#define ALIKE  0.8
/* Go: what sync.Pool costs is what such an allocation does. */
#define LEAST_GO_BYTES 32

static double ratio(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static enum pool_advice advice_for(const struct pool_row *row)
{
	if (row->temporary_share >= MOSTLY)
		return POOL_REUSE;
	return row->alike_share >= ALIKE ? POOL_KEEP : POOL_ARENA;
}

static bool is_go(const struct snapshot_site *site)
{
	return site->call == CALL_ID_GO;
}

/* What nobody uses stays until the next collection: neither its peak nor its life says how much is in use. */
static void make_go(struct pool_row *row)
{
	row->calls_per_s /= 2;
	row->blocks = row->bytes = 0;
	row->life_s = -1;
	row->advice = POOL_SYNC;
}

static struct pool_row row_of(const struct snapshot *s, const struct snapshot_site *site)
{
	const struct totals *t = &site->totals;
	struct pool_row row = {.site = site, .mean_bytes = ratio(t->alloc_bytes, t->alloc_count)};
	double blocks = row.mean_bytes > 0 ? ceil((double)t->peak_bytes / row.mean_bytes) : 1;

	row.allocs_per_s = (double)t->alloc_count / s->elapsed_s;
	row.bytes_per_s = (double)t->alloc_bytes / s->elapsed_s;
	row.blocks = blocks > 1 ? (uint64_t)blocks : 1;
	row.bytes = t->peak_bytes;
	row.calls_per_s = (double)t->free_count / s->elapsed_s * 2;
	row.temporary_share = ratio(t->temporary_count, t->free_count);
	row.alike_share = site->lifetimes.alike_share;
	row.life_s = site->lifetimes.median_s;
	row.life_bound = row.life_s < 0;
	if (row.life_bound)
		row.life_s = (double)row.blocks / row.allocs_per_s;
	row.advice = advice_for(&row);
	if (is_go(site))
		make_go(&row);
	return row;
}

static bool is_pool(const struct snapshot_site *site, const struct pool_row *row)
{
	const struct totals *t = &site->totals;

	bool churns = !site->range && t->alloc_count >= LEAST_ALLOCS &&
		      row->allocs_per_s >= LEAST_PER_S &&
		      ratio(t->free_count, t->alloc_count) >= LEAST_FREED;

	if (is_go(site))
		return churns && row->mean_bytes > LEAST_GO_BYTES;
	return churns && ratio(t->alloc_count, row->blocks) >= LEAST_TURNOVER;
}

static int compare_rows(const void *left, const void *right)
{
	const struct pool_row *a = left, *b = right;

	if (a->calls_per_s < b->calls_per_s || a->calls_per_s > b->calls_per_s)
		return a->calls_per_s > b->calls_per_s ? -1 : 1;
	if (a->site->process != b->site->process)
		return a->site->process < b->site->process ? -1 : 1;
	return (a->site->site > b->site->site) - (a->site->site < b->site->site);
}

size_t pools_find(const struct snapshot *s, struct pool_row **rows)
{
	size_t count = 0;

	*rows = NULL;
	if (!(s->elapsed_s > 0) || !s->site_count)
		return 0;
	*rows = malloc(s->site_count * sizeof(**rows));
	if (!*rows)
		return 0;
	for (size_t i = 0; i < s->site_count; i++) {
		(*rows)[count] = row_of(s, &s->sites[i]);
		count += is_pool(&s->sites[i], &(*rows)[count]);
	}
	if (count) {
		qsort(*rows, count, sizeof(**rows), compare_rows);
		return count;
	}
	free(*rows);
	*rows = NULL;
	return 0;
}

const char *pool_advice_text(enum pool_advice advice)
{
	switch (advice) {
	case POOL_REUSE: return "one reused buffer for each thread";
	case POOL_KEEP: return "a pool";
	case POOL_ARENA: return "an arena";
	case POOL_SYNC: return "a sync.Pool of pointers";
	}
	return "";
}
