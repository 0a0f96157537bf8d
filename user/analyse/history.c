/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One column for each sample, with points of only those sites that had changed since the sample before,
 * in the order of the sites. Both writing a sample and reading one for all sites are so walks through
 * memory from one end to the other: with thousands of sites that is what counts, since the lock is held.
 * A point is of the moment at which its site's turn came, some milliseconds after the sample's time
 * when that is taken in pieces: its generation is that of its own moment.
 * The column that becomes the oldest is taken over into the sites' own records.
 *
 * Invariant: columns of samples after history_first() hold points, the others are empty; a site's value
 * at a sample is its newest point not after it, or else its `base`, which is its value at
 * history_first().
 */
#include "history.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../base/array.h"
#include "scale.h"

#define PREFETCH_SITES 8u
#define COLUMN_FIRST   64u

struct history_column {
	struct history_point *v;
	uint32_t count, capacity;
	uint32_t at; /* where the last search ended */
};

struct history_site {
	uint64_t version; /* of the site at its newest point */
	uint64_t allocs;  /* at the newest sample */
	uint32_t first;	  /* sample of its first point, counted from 1; 0: it has none */
	uint32_t pad;
	struct history_point base; /* site 0: it had nothing yet */
};

int history_init(struct history *h, uint32_t capacity)
{
	memset(h, 0, sizeof(*h));
	h->capacity = capacity;
	h->times = calloc(capacity, sizeof(*h->times));
	h->columns = calloc(capacity, sizeof(*h->columns));
	if (h->times && h->columns)
		return 0;
	history_done(h);
	return -ENOMEM;
}

void history_done(struct history *h)
{
	for (uint32_t i = 0; h->columns && i < h->capacity; i++)
		free(h->columns[i].v);
	free(h->columns);
	free(h->times);
	free(h->sites);
	memset(h, 0, sizeof(*h));
}

static struct history_column *column_of(const struct history *h, uint32_t sample)
{
	return &h->columns[sample % h->capacity];
}

/* ---- a sample ---- */

static int reserve_sites(struct history *h, uint32_t needed)
{
	struct history_site *sites =
		array_reserve(h->sites, &h->site_capacity, needed, sizeof(*sites));

	if (!sites)
		return -ENOMEM;
	h->sites = sites;
	return 0;
}

static int reserve_points(struct history_column *c, uint32_t needed)
{
	uint32_t capacity = c->capacity * 2 > needed ? c->capacity * 2 : needed;
	struct history_point *v;

	if (needed <= c->capacity)
		return 0;
	v = realloc(c->v, capacity * sizeof(*v));
	if (!v)
		return -ENOMEM;
	c->v = v;
	c->capacity = capacity;
	return 0;
}

/* What a sample is taken of. */
struct sampling {
	struct heap *heap;
	const struct coverage_figures *coverage;
	uint32_t generation;
};

static uint64_t recorded_blocks(const struct sampling *sampling, const struct site *s)
{
	return heap_sample_bytes(sampling->heap) ? generations_older(&s->generations, UINT32_MAX)
						 : s->totals.outstanding_count;
}

static int add_point(struct history_column *c, struct history_site *record, const struct site *s,
		     uint32_t site, const struct sampling *sampling)
{
	struct totals t = scale_site(s, sampling->coverage);

	if (reserve_points(c, c->count + 1))
		return -ENOMEM;
	c->v[c->count++] = (struct history_point){
		.site = site,
		.generation = sampling->generation,
		.bytes = t.outstanding_bytes,
		.blocks = recorded_blocks(sampling, s),
		.older = generations_older(&s->generations, sampling->generation),
		.allocs = record->allocs,
	};
	record->version = s->version;
	record->allocs = t.alloc_count;
	return 0;
}

/* Generations lie anywhere: they are on their way when their site's turn comes. */
static void prefetch(struct heap *heap, uint32_t site, uint32_t sites)
{
	if (site <= sites)
		__builtin_prefetch(heap_site(heap, site)->generations.v);
}

int history_fill(struct history *h, struct heap *heap, const struct coverage_figures *coverage,
		 uint32_t from, uint32_t to, uint64_t now_ns)
{
	const struct sampling sampling = {heap, coverage, heap_generation(heap, now_ns)};
	struct history_column *c = column_of(h, h->samples - 1);
	int err = to >= h->site_capacity ? -ENOMEM : 0;

	if (err)
		to = h->site_capacity ? h->site_capacity - 1 : 0;
	for (uint32_t i = from; i <= to; i++) {
		const struct site *s = heap_site(heap, i);
		struct history_site *record = &h->sites[i];

		prefetch(heap, i + PREFETCH_SITES, to);
		/* estimates change with time */
		if (s->version == record->version && !coverage->partial)
			continue;
		if (add_point(c, record, s, i, &sampling))
			err = -ENOMEM;
		else if (!record->first)
			record->first = h->samples;
	}
	return err;
}

/* A column that was once very long does not keep its room. */
static void empty_column(struct history_column *c)
{
	if (c->capacity > COLUMN_FIRST && c->count < c->capacity / 4) {
		free(c->v);
		c->v = NULL;
		c->capacity = 0;
	}
	c->count = c->at = 0;
}

static void take_over(struct history *h, struct history_column *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		h->sites[c->v[i].site].base = c->v[i];
	empty_column(c);
}

int history_begin(struct history *h, uint32_t sites, uint64_t now_ns)
{
	uint32_t before = h->samples ? column_of(h, h->samples - 1)->count : 0;

	/* as many will have changed as the last time: no more than a guess */
	reserve_points(column_of(h, h->samples), before > COLUMN_FIRST ? before : COLUMN_FIRST);
	h->times[h->samples++ % h->capacity] = now_ns;
	return reserve_sites(h, sites + 1);
}

void history_end(struct history *h)
{
	take_over(h, column_of(h, history_first(h)));
}

int history_sample(struct history *h, struct heap *heap, const struct coverage_figures *coverage,
		   uint64_t now_ns)
{
	uint32_t sites = heap_site_count(heap);
	int err = history_begin(h, sites, now_ns);

	if (history_fill(h, heap, coverage, 1, sites, now_ns))
		err = -ENOMEM;
	history_end(h);
	return err;
}

/* ---- looking back ---- */

static const struct history_point *column_find(struct history_column *c, uint32_t site)
{
	uint32_t low = c->at, step = 1, high;

	if (low && c->v[low - 1].site >= site)
		low = 0;
	for (; low + step <= c->count && c->v[low + step - 1].site < site; step *= 2)
		low += step;
	high = low + step < c->count ? low + step : c->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (c->v[middle].site < site)
			low = middle + 1;
		else
			high = middle;
	}
	c->at = low;
	return low < c->count && c->v[low].site == site ? &c->v[low] : NULL;
}

const struct history_point *history_find(struct history *h, uint32_t site, uint32_t sample)
{
	if (site >= h->site_capacity)
		return NULL;
	for (; sample > history_first(h); sample--) {
		const struct history_point *p = column_find(column_of(h, sample), site);

		if (p)
			return p;
	}
	return h->sites[site].base.site ? &h->sites[site].base : NULL;
}

uint64_t history_allocs(struct history *h, uint32_t site, uint32_t sample)
{
	if (site >= h->site_capacity)
		return 0;
	while (++sample < h->samples) {
		const struct history_point *p = column_find(column_of(h, sample), site);

		if (p)
			return p->allocs;
	}
	return h->sites[site].allocs;
}

uint32_t history_watched(const struct history *h, uint32_t site)
{
	if (site >= h->site_capacity || !h->sites[site].first)
		return 0;
	return h->samples - h->sites[site].first + 1;
}
