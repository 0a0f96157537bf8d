/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Healthy habits of the blind programs in which blocks are held together: caches, tables, arenas,
 * pools.
 */
#include "blind.h"
#include <math.h>

/* ---- filled once ---- */

static double step_fill(struct program *g, struct part *p)
{
	uint32_t victim;

	if (p->count < p->limit) {
		p->blocks[p->count++] = world_alloc(g->w, p->site, part_size(g, p));
		return part_due(g, p);
	}
	world_evidence(g->w, p->site);
	if (p->old == p->limit)
		return BLIND_NEVER;
	victim = p->old + (p->oldest_first ? p->head++ % (p->limit - p->old)
					   : world_below(g->w, p->limit - p->old));
	world_free(g->w, p->blocks[victim]);
	p->blocks[victim] = world_alloc(g->w, p->site, part_size(g, p));
	return part_due(g, p);
}

static struct part *add_fill(struct program *g, const char *name, uint32_t limit, double seconds)
{
	struct part *p = part_new(g, step_fill);

	p->site = world_healthy(g->w, name);
	part_room(p, limit);
	p->mean = seconds / limit;
	return p;
}

/*
 * Tables, modules and settings that are read at the start and stay. It can be seen when the start
 * is over.
 */
struct part *add_startup(struct program *g, const char *name)
{
	struct part *p =
		add_fill(g, name, (uint32_t)world_scale(g->w, 5, 2000), world_scale(g->w, 0.5, 20));

	p->old = p->limit;
	return p;
}

/*
 * A cache of so many entries. Some are asked for so often that they are never put out. It can be
 * seen when it is full.
 */
struct part *add_lru(struct program *g, const char *name)
{
	struct part *p =
		add_fill(g, name, (uint32_t)world_scale(g->w, 50, 1500), world_scale(g->w, 3, 60));

	p->old = (uint32_t)(p->limit * world_between(g->w, 0, 0.6));
	p->oldest_first = world_chance(g->w, 0.5);
	part_swing(g, p, 30, 200);
	return p;
}

/* An index that fills up to its bound over minutes; then entries are replaced. */
struct part *add_index(struct program *g, const char *name)
{
	struct part *p = add_fill(g, name, (uint32_t)world_scale(g->w, 300, 4000),
				  world_between(g->w, 60, 180));

	if (world_chance(g->w, 0.3))
		p->old = p->limit;
	return p;
}

/*
 * The last so many samples of a metric: a window that slides. It can be seen when the first falls
 * out.
 */
struct part *add_window(struct program *g, const char *name)
{
	struct part *p = add_fill(g, name, (uint32_t)world_scale(g->w, 40, 300),
				  world_between(g->w, 10, 60));

	p->oldest_first = true;
	return p;
}

/* ---- freed in bulk ---- */

static void collect(struct program *g, struct part *p)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		if (i < p->old || !world_chance(g->w, p->chance))
			world_free(g->w, p->blocks[i]);
		else
			p->blocks[kept++] = p->blocks[i];
	}
	p->count = p->old = kept;
	p->until = world_now(g->w) + world_between(g->w, p->low, p->high);
	world_evidence(g->w, p->site);
}

static double step_bulk(struct program *g, struct part *p)
{
	if (p->until <= 0)
		p->until = world_now(g->w) + world_between(g->w, p->low, p->high);
	if (world_now(g->w) >= p->until || p->count == p->limit)
		collect(g, p);
	p->blocks[p->count++] = world_alloc(g->w, p->site, part_size(g, p));
	return part_due(g, p);
}

static struct part *add_bulk(struct program *g, const char *name, double low, double high)
{
	struct part *p = part_new(g, step_bulk);

	p->site = world_healthy(g->w, name);
	p->mean = world_scale(g->w, 0.02, 0.3);
	p->low = low;
	p->high = high;
	part_room(p, (uint32_t)(2.5 * high / p->mean) + 10);
	return p;
}

/*
 * Lines that are kept until they are written, each minute or more often. It can be seen at the
 * first flush.
 */
struct part *add_log(struct program *g, const char *name)
{
	double period = world_chance(g->w, 0.5) ? 60 : world_between(g->w, 10, 60);

	return add_bulk(g, name, period, period);
}

/*
 * A heap with a collector: what is dead is freed each 15 to 45 s, and what lives then, one
 * collection later.
 */
struct part *add_arena(struct program *g, const char *name)
{
	struct part *p = add_bulk(g, name, 15, 45);

	p->chance = world_chance(g->w, 0.5) ? 0 : world_between(g->w, 0.02, 0.2);
	return p;
}

static double step_batch(struct program *g, struct part *p)
{
	if (p->state) { /* it has worked */
		part_free_all(g, p);
		world_evidence(g->w, p->site);
		p->state = 0;
		return p->period * world_between(g->w, 0.8, 1.2);
	}
	if (!p->count)
		p->old = 1 + (uint32_t)(p->limit * world_between(g->w, 0.4, 1));
	p->blocks[p->count++] = world_alloc(g->w, p->site, part_size(g, p));
	if (p->count < p->old && p->count < p->limit)
		return part_due(g, p);
	p->state = 1;
	return world_between(g->w, p->low, p->high);
}

/* Jobs that load, work and free. It can be seen at the end of the first. */
struct part *add_batch(struct program *g, const char *name)
{
	struct part *p = part_new(g, step_batch);

	p->site = world_healthy(g->w, name);
	part_room(p, (uint32_t)world_scale(g->w, 30, 800));
	p->mean = world_between(g->w, 1, 8) / p->limit;
	p->low = world_between(g->w, 0.5, 5);
	p->high = world_between(g->w, 5, 15);
	p->period = world_between(g->w, 3, 50);
	return p;
}

/* ---- by realloc ---- */

static double step_table(struct program *g, struct part *p)
{
	if (!p->count || p->of->count > p->count) {
		p->count = p->count ? p->count * 2 : 16;
		p->blocks[0] =
			world_realloc(g->w, p->site, p->blocks[0], (uint64_t)p->count * p->bytes);
	}
	if (p->count >= p->of->limit || p->of->count >= p->of->limit * 0.95)
		world_evidence(g->w, p->site);
	return p->mean;
}

/*
 * The buckets of a hash table, doubled when there are more entries than buckets: bounded as the
 * entries are. It can be seen after the last time, or when nearly all entries are there.
 */
struct part *add_table(struct program *g, const char *name, const struct part *of)
{
	struct part *p = part_new(g, step_table);

	p->site = world_healthy(g->w, name);
	p->bytes = 8u << world_below(g->w, 3);
	p->mean = world_between(g->w, 0.05, 0.5);
	p->of = of;
	part_room(p, 1);
	return p;
}

static double step_vector(struct program *g, struct part *p)
{
	if (p->count > p->old) { /* it is handed over, and a new one is begun */
		world_free(g->w, p->blocks[0]);
		p->blocks[0] = 0;
		p->count = p->head = 0;
		p->old = 100 + world_below(g->w, p->state);
		world_evidence(g->w, p->site);
	}
	if (p->count++ >= p->head) {
		p->head = p->head ? p->head + p->head / 2 + 1 : 4;
		p->blocks[0] = world_realloc(g->w, p->site, p->blocks[0], p->head * p->bytes);
	}
	return part_due(g, p);
}

/*
 * An array that grows by half until it is handed over, each 5 to 60 s. It can be seen at the first
 * time.
 */
struct part *add_vector(struct program *g, const char *name)
{
	struct part *p = part_new(g, step_vector);

	p->site = world_healthy(g->w, name);
	p->bytes = 8u << world_below(g->w, 5);
	p->state = (uint32_t)world_scale(g->w, 50, 2000);
	p->old = 100 + p->state;
	p->mean = world_between(g->w, 5, 60) / p->old;
	part_room(p, 1);
	return p;
}

/* ---- pools ---- */

static double step_pool(struct program *g, struct part *p)
{
	uint32_t used = world_poisson(g->w, p->mean * part_busy(g, p));

	for (; p->count < used && p->count < p->limit; p->count++)
		world_alloc(g->w, p->site, p->bytes);
	if (p->count == p->limit)
		world_evidence(g->w, p->site);
	return p->low;
}

/* Never gives back, but uses again what it has: grows with the load, to as many as it may have. */
struct part *add_pool(struct program *g, const char *name)
{
	struct part *p = part_new(g, step_pool);

	p->site = world_healthy(g->w, name);
	p->bytes = 64u << world_below(g->w, 11);
	p->mean = world_scale(g->w, 8, 300);
	p->low = world_between(g->w, 0.1, 1);
	part_swing(g, p, 30, 120);
	p->limit = (uint32_t)(p->mean * (1 + p->swing)) + 1;
	return p;
}

static double step_connections(struct program *g, struct part *p)
{
	uint32_t wanted = (uint32_t)(p->mean * part_busy(g, p)), victim;

	if (wanted < 1)
		wanted = 1;
	if (p->count && (p->count > wanted || world_chance(g->w, p->count * p->low / p->high))) {
		victim = world_below(g->w, p->count);
		world_free(g->w, p->blocks[victim]);
		p->blocks[victim] = p->blocks[--p->count];
		if (wanted < 0.9 * p->old)
			world_evidence(g->w, p->site);
	}
	if (wanted > p->old)
		p->old = wanted; /* the most so far */
	if (p->count < wanted && p->count < p->limit)
		p->blocks[p->count++] = world_alloc(g->w, p->site, part_size(g, p));
	return p->low;
}

/*
 * Connections, opened and closed with the load of the day; each is also replaced after some time,
 * as pools do it against connections that have gone bad. It can be seen when the load has fallen
 * for the first time.
 */
struct part *add_connections(struct program *g, const char *name)
{
	struct part *p = part_new(g, step_connections);

	p->site = world_healthy(g->w, name);
	p->mean = world_scale(g->w, 10, 120);
	p->low = world_between(g->w, 0.05, 0.15);
	p->high = world_scale(g->w, 15, 90); /* mean lifetime */
	part_swing(g, p, 80, 240);
	part_room(p, (uint32_t)(p->mean * 2) + 1);
	return p;
}

/* ---- known after some time ---- */

static double step_interned(struct program *g, struct part *p)
{
	double left;

	world_alloc(g->w, p->site, part_size(g, p));
	p->count++;
	if (p->count >= p->limit * 0.95)
		world_evidence(g->w, p->site);
	if (p->count == p->limit)
		return BLIND_NEVER;
	left = 1 - (double)p->count / p->limit;
	return world_exponential(g->w, p->mean / pow(left, p->high));
}

/*
 * Each string once: the more are known the fewer are new, and there are only so many. It can be
 * seen when 95 in 100 are known, the rarest come for a long time still.
 */
struct part *add_interned(struct program *g, const char *name)
{
	struct part *p = part_new(g, step_interned);

	p->site = world_healthy(g->w, name);
	p->limit = (uint32_t)world_scale(g->w, 300, 3000);
	p->mean = world_between(g->w, 3, 20) / p->limit;
	p->high = world_between(g->w, 1, 1.5);
	return p;
}
