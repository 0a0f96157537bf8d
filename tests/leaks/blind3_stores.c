/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Healthy stores: each has a bound, and keeps what it has until it needs the place, or for ever. */
#include "blind3.h"
#include <math.h>

static struct worker *store(struct shop *s, const char *name, double gap_s, uint32_t items,
			    void (*act)(struct shop *, struct worker *))
{
	struct worker *k = shop_worker(s, world_healthy(s->w, name), act, gap_s);

	k->limit = items;
	shop_items(k, items);
	return k;
}

/* ---- start-up: it goes in phases, and what each has loaded stays ---- */

static void act_startup(struct shop *s, struct worker *k)
{
	for (uint32_t i = 0; i < k->limit; i++)
		shop_block(s, k);
	if (++k->round < k->state)
		return;
	shop_seen(s, k);
	k->traffic = NULL;
}

struct worker *has_startup(struct shop *s, const char *name, uint32_t blocks, uint32_t phases,
			   double over_s)
{
	struct worker *k = store(s, name, over_s / phases, 1 + blocks / phases, act_startup);

	k->state = phases;
	return k;
}

/* ---- the last so many ---- */

static void act_window(struct shop *s, struct worker *k)
{
	struct item *oldest = &k->items[k->head];

	if (oldest->block)
		shop_seen(s, k);
	world_free(s->w, oldest->block);
	oldest->block = shop_block(s, k);
	k->head = (k->head + 1) % k->limit;
}

struct worker *has_window(struct shop *s, const char *name, double gap_s, uint32_t blocks)
{
	return store(s, name, gap_s, blocks, act_window);
}

/* ---- caches ---- */

static struct item *least_used(struct worker *k)
{
	struct item *least = &k->items[0];

	for (uint32_t i = 1; i < k->count; i++)
		if (k->items[i].since < least->since)
			least = &k->items[i];
	return least;
}

/* `share` of the questions are for what is there: of that, the first are asked for most. */
static void act_lru(struct shop *s, struct worker *k)
{
	double u = world_between(s->w, 0, 1);
	struct item *item = &k->items[(uint32_t)(u * u * k->count)];

	if (!k->count || !world_chance(s->w, k->share)) {
		if (k->count < k->limit) {
			item = &k->items[k->count++];
		} else {
			item = least_used(k);
			world_free(s->w, item->block);
			shop_seen(s, k);
		}
		item->block = shop_block(s, k);
	}
	item->since = world_now(s->w);
}

struct worker *has_lru(struct shop *s, const char *name, double gap_s, double hits, uint32_t blocks)
{
	struct worker *k = store(s, name, gap_s, blocks, act_lru);

	k->share = hits;
	return k;
}

/* So many bytes; any may have to go for a new one. */
static void act_byte_cache(struct shop *s, struct worker *k)
{
	uint64_t bytes = shop_bytes(s, k);

	while (k->count && (k->total + bytes > k->most || k->count == k->limit)) {
		struct item *victim = &k->items[world_below(s->w, k->count)];

		world_free(s->w, victim->block);
		k->total -= victim->bytes;
		*victim = k->items[--k->count];
		shop_seen(s, k);
	}
	k->items[k->count++] =
		(struct item){.block = world_alloc(s->w, k->site, bytes), .bytes = bytes};
	k->total += bytes;
}

/* Filled by about so many blocks. */
struct worker *has_byte_cache(struct shop *s, const char *name, double gap_s, uint32_t blocks)
{
	struct worker *k = store(s, name, gap_s, 3 * blocks, act_byte_cache);

	k->most = (uint64_t)blocks * k->bytes;
	return k;
}

/* Two halves: when the young one is full, the old one goes as a whole. */
static void act_halves(struct shop *s, struct worker *k)
{
	struct item *young = k->items, *old = k->items + k->limit / 2;

	young[k->count++].block = shop_block(s, k);
	if (k->count < k->limit / 2)
		return;
	if (k->state)
		shop_seen(s, k);
	for (uint32_t i = 0; i < k->count; i++) {
		world_free(s->w, old[i].block);
		old[i] = young[i];
	}
	k->count = 0;
	k->state = 1;
}

struct worker *has_halves(struct shop *s, const char *name, double gap_s, uint32_t blocks)
{
	return store(s, name, gap_s, blocks & ~1u, act_halves);
}

/* ---- names of which there are so many; some are met late ---- */

static void act_universe(struct shop *s, struct worker *k)
{
	double u = world_between(s->w, 0, 1);
	struct item *item = &k->items[(uint32_t)(u * sqrt(u) * k->limit)];

	if (!item->block) {
		item->block = shop_block(s, k);
		k->count++;
	}
	if (k->count < k->limit)
		return;
	shop_seen(s, k);
	k->traffic = NULL;
}

struct worker *has_universe(struct shop *s, const char *name, double gap_s, uint32_t keys)
{
	return store(s, name, gap_s, keys, act_universe);
}

/* ---- always as many: for each that goes one comes ---- */

static void act_population(struct shop *s, struct worker *k)
{
	struct item *item = &k->items[k->count];

	if (k->count < k->limit) {
		if (++k->count == k->limit)
			shop_seen(s, k);
	} else {
		item = &k->items[world_below(s->w, k->limit)];
	}
	world_free(s->w, item->block);
	item->block = shop_block(s, k);
}

struct worker *has_population(struct shop *s, const char *name, double gap_s, uint32_t blocks)
{
	return store(s, name, gap_s, blocks, act_population);
}

/* ---- buffers that are used again; those idle for long are given back ---- */

#define POOL_IDLE_S 30.0
#define POOL_WARM_S 60.0

static void trim(struct shop *s, struct worker *k)
{
	struct item *last = &k->items[k->count - 1];

	if (k->count > 1 && world_now(s->w) - last->since > POOL_IDLE_S) {
		world_free(s->w, last->block);
		k->count--;
	}
}

static void act_pool(struct shop *s, struct worker *k)
{
	double now = world_now(s->w);
	uint32_t i = 0;

	k->evidence_s = fmin(k->evidence_s, now + POOL_WARM_S);
	while (i < k->count && k->items[i].since > now)
		i++;
	if (i == k->limit)
		return;
	if (i == k->count) {
		k->items[i].block = shop_block(s, k);
		k->count++;
	}
	k->items[i].since = now + world_between(s->w, 0.05, 1) * k->longest_s;
	trim(s, k);
}

struct worker *has_pool(struct shop *s, const char *name, double gap_s, double use_s,
			uint32_t blocks)
{
	struct worker *k = store(s, name, gap_s, blocks, act_pool);

	k->traffic = traffic_phases;
	k->longest_s = use_s;
	return k;
}

/* ---- scopes within scopes: the last that came is the first to go, and what is below stays ---- */

static void act_stack(struct shop *s, struct worker *k)
{
	double deep = (double)k->count / k->limit; /* up to twice as deep as is usual */

	if (k->count && world_chance(s->w, 0.5 * deep)) {
		world_free(s->w, k->items[--k->count].block);
		return;
	}
	k->items[k->count++].block = shop_block(s, k);
	if (k->count >= k->limit)
		shop_seen(s, k);
}

struct worker *has_stack(struct shop *s, const char *name, double gap_s, uint32_t depth)
{
	struct worker *k = store(s, name, gap_s, 2 * depth + 1, act_stack);

	k->limit = depth;
	return k;
}
