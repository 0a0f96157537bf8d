/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool loses what nobody has taken since the collection before the last. So it has nothing for one of three reasons: what was taken
 * is not put back, collections come more often than it is used, or more is in use at a time than ever was.
 */
#include "go_pools.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"

/* Fewer calls say nothing. */
#define LEAST_GETS 100
/* Below this most of the work that a pool is for is done all the same. */
#define LOW_RATE 0.5
/* Of the gets: fewer puts than this are a way out on which nothing is put back. */
#define FEW_PUTS 0.5
/* And more than this are values that came from elsewhere. */
#define MANY_PUTS 1.1
/* What the allocator gives as fast as the pool: some 10 to 20 ns, without pointers to be followed by the collector. */
#define TINY_BYTES 32
/* Two-sided, 95 %. */
#define Z 1.959964

void go_pools_figures_done(struct go_pools_figures *f)
{
	free(f->v);
	*f = (struct go_pools_figures){0};
}

struct go_pools_figures go_pools_figures_copy(const struct go_pools_figures *from)
{
	struct go_pools_figures to = *from;

	to.v = NULL;
	if (from->count) {
		to.v = xcalloc(from->count, sizeof(*to.v));
		memcpy(to.v, from->v, from->count * sizeof(*to.v));
	}
	return to;
}

static int compare(const void *left, const void *right)
{
	const struct go_pool *a = left, *b = right;
	uint64_t x = a->gets + a->puts, y = b->gets + b->puts;

	if (x != y)
		return x > y ? -1 : 1;
	return (a->facts.address > b->facts.address) - (a->facts.address < b->facts.address);
}

void go_pools_figures_sort(struct go_pools_figures *f)
{
	if (f->count)
		qsort(f->v, f->count, sizeof(*f->v), compare);
	if (f->count <= GO_POOLS_KEPT)
		return;
	f->left_out += f->count - GO_POOLS_KEPT;
	f->count = GO_POOLS_KEPT;
}

/* The score interval: E. B. Wilson, Journal of the American Statistical Association 22 (158), 1927. */
static struct interval score_interval(double share, double n)
{
	double middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n);
	double half = Z / (1 + Z * Z / n) * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n));

	return (struct interval){fmax(middle - half, 0), fmin(middle + half, 1)};
}

bool go_pool_hit_rate(const struct go_pools_figures *f, const struct go_pool *pool, double *rate,
		      struct interval *range)
{
	/* at the edge of a slice a miss may be counted whose get was not */
	uint64_t misses = pool->misses < pool->gets ? pool->misses : pool->gets;

	if (!f->sees_misses || !pool->gets)
		return false;
	*rate = 1 - (double)misses / (double)pool->gets;
	*range = score_interval(*rate, (double)pool->gets);
	return true;
}

void go_pool_add_name(const struct go_pool *pool, struct buffer *out)
{
	const struct go_pool_facts *f = &pool->facts;

	if (f->name[0]) {
		buffer_add_clean(out, f->name);
	} else if (f->made_by[0] || f->type[0]) {
		buffer_add_string(out, "of ");
		buffer_add_clean(out, f->made_by[0] ? f->made_by : f->type);
	} else {
		buffer_printf(out, "unknown at 0x%" PRIx64, f->address);
	}
}

static void add(struct buffer *out, const char *text)
{
	if (out->length)
		buffer_add_string(out, "; ");
	buffer_add_string(out, text);
}

static void add_low_rate(const struct go_pool *pool, struct buffer *out)
{
	double puts = (double)pool->puts / (double)pool->gets;

	if (puts < FEW_PUTS)
		add(out, "it has nothing most of the time: what is taken is not put back on every "
			 "way out");
	else
		add(out, "it has nothing most of the time, though what is taken is put back: "
			 "collections empty it (what is not used between two of them goes), or "
			 "more is in use at a time than it holds");
}

void go_pool_add_advice(const struct go_pools_figures *f, const struct go_pool *pool,
			struct buffer *out)
{
	const struct go_pool_facts *facts = &pool->facts;
	struct interval range;
	double rate;

	if (facts->by_value && facts->type[0]) {
		add(out, "what is put is no pointer, so that each Put allocates");
		buffer_printf(out, " %" PRIu64 " bytes: put a pointer to it", facts->bytes);
	}
	if (facts->plain && facts->bytes && facts->bytes <= TINY_BYTES) {
		add(out,
		    "its values are so small that allocating them costs no more than the pool");
		buffer_printf(out, " (%" PRIu64 " bytes without pointers)", facts->bytes);
	}
	if (pool->gets + pool->puts < LEAST_GETS)
		return;
	if ((double)pool->puts > MANY_PUTS * (double)pool->gets)
		add(out, "more is put than taken: what comes from elsewhere is kept until the "
			 "second collection, for nothing");
	if (pool->gets >= LEAST_GETS && go_pool_hit_rate(f, pool, &rate, &range) &&
	    range.high < LOW_RATE)
		add_low_rate(pool, out);
}
