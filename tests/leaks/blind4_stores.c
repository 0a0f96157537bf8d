/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Healthy stores: each has a bound, reaches it, and from then on frees what it replaces, or adds nothing. */
#include "blind4.h"
#include <math.h>

static struct line *store(struct plant *p, const char *name, double gap_s, uint32_t slots,
			  act_fn *act)
{
	struct line *l = line_new(p, world_healthy(p->w, name), gap_s, act);

	line_room(l, slots);
	return l;
}

/* ---- start-up in phases, with some rest between them ---- */

static double act_startup(struct plant *p, struct line *l)
{
	line_block(p, l);
	if (++l->count == l->limit) {
		plant_seen(p, l->site, world_now(p->w));
		return PLANT_NEVER;
	}
	if (l->count % l->state)
		return 0.2 * plant_gap(p, l);
	return world_exponential(p->w, 0.8 * l->gap_s * l->state);
}

struct line *line_startup(struct plant *p, const char *name, uint32_t blocks, uint32_t phases,
			  double over_s)
{
	struct line *l = store(p, name, over_s / blocks, blocks, act_startup);

	l->state = 1 + blocks / phases;
	return l;
}

/* ---- names that are met one by one, the last ones late (the collector of coupons), but all until some moment ---- */

static double act_names(struct plant *p, struct line *l)
{
	line_block(p, l);
	if (++l->count == l->limit) {
		plant_seen(p, l->site, world_now(p->w));
		return PLANT_NEVER;
	}
	return fmin(world_exponential(p->w, l->gap_s * l->limit / (l->limit - l->count)),
		    fmax(0.1, l->until_s - world_now(p->w)));
}

/* All of them are met after about `fill_s`, and after half of that again at the latest. */
struct line *line_names(struct plant *p, const char *name, double fill_s, uint32_t names)
{
	struct line *l = store(p, name, fill_s / names / (log(names) + 0.6), names, act_names);

	l->until_s = 1.5 * fill_s;
	return l;
}

/* ---- a pool that gives nothing back: each record of use is rarer than the one before ---- */

static double act_slabs(struct plant *p, struct line *l)
{
	line_block(p, l);
	if (++l->count == l->limit) {
		plant_seen(p, l->site, world_now(p->w));
		return PLANT_NEVER;
	}
	return l->gap_s * 2 * l->count / l->limit * world_between(p->w, 0.3, 1.7);
}

struct line *line_slabs(struct plant *p, const char *name, double fill_s, uint32_t blocks)
{
	return store(p, name, fill_s / blocks, blocks, act_slabs);
}

/* ---- a hash table: twice the room when it is full, copied, the old one freed ---- */

static double act_hash(struct plant *p, struct line *l)
{
	struct slot *table = l->slots;

	if (l->count >= l->state) {
		world_free_after(p->w, table->block, world_between(p->w, 0.001, 0.1));
		l->state = l->state ? 2 * l->state : 8;
		table->block = world_alloc(p->w, l->site, 24ull * l->state);
	}
	if (++l->count == l->head) {
		plant_seen(p, l->site, world_now(p->w));
		return PLANT_NEVER;
	}
	return plant_gap(p, l);
}

struct line *line_hash(struct plant *p, const char *name, double fill_s, uint32_t entries)
{
	struct line *l = store(p, name, fill_s / entries, 1, act_hash);

	l->head = entries;
	return l;
}

/* ---- a cache: of eight that are looked at the one goes that was used least lately ---- */

static struct slot *victim(struct plant *p, struct line *l)
{
	struct slot *least = &l->slots[world_below(p->w, l->count)];

	for (int i = 1; i < 8; i++) {
		struct slot *other = &l->slots[world_below(p->w, l->count)];

		if (other->since < least->since)
			least = other;
	}
	return least;
}

static double act_cache(struct plant *p, struct line *l)
{
	struct slot *slot = &l->slots[l->count];

	if (l->count && world_chance(p->w, l->share)) { /* a hit */
		l->slots[(uint32_t)(pow(world_between(p->w, 0, 1), 3) * l->count)].since =
			world_now(p->w);
		return plant_gap(p, l);
	}
	if (l->count == l->limit) {
		plant_seen(p, l->site, world_now(p->w));
		slot = victim(p, l);
		world_free(p->w, slot->block);
	} else {
		l->count++;
	}
	*slot = (struct slot){.block = line_block(p, l), .since = world_now(p->w)};
	return plant_gap(p, l);
}

/* Full after about `fill_s`. */
struct line *line_cache(struct plant *p, const char *name, double fill_s, uint32_t blocks)
{
	double hits = world_between(p->w, 0.1, 0.8);
	struct line *l = store(p, name, fill_s / blocks * (1 - hits), blocks, act_cache);

	l->share = hits;
	return l;
}

/* ---- rings ---- */

static void push(struct line *l, struct slot item)
{
	l->slots[(l->head + l->count++) % l->limit] = item;
}

static struct slot *oldest(struct line *l)
{
	return &l->slots[l->head];
}

static void drop_oldest(struct plant *p, struct line *l)
{
	world_free(p->w, oldest(l)->block);
	l->head = (l->head + 1) % l->limit;
	l->count--;
	plant_seen(p, l->site, world_now(p->w));
}

static double act_ring(struct plant *p, struct line *l)
{
	if (l->count == l->limit)
		drop_oldest(p, l);
	push(l, (struct slot){.block = line_block(p, l)});
	return plant_gap(p, l);
}

struct line *line_ring(struct plant *p, const char *name, double gap_s, uint32_t blocks)
{
	return store(p, name, gap_s, blocks, act_ring);
}

/* ---- entries that expire, and are swept away some time later ---- */

static double act_expiring(struct plant *p, struct line *l)
{
	double now = world_now(p->w);

	if (now >= l->until_s) {
		while (l->count && oldest(l)->since + l->longest_s <= now)
			drop_oldest(p, l);
		l->until_s = now + l->rest_s;
	}
	if (l->count == l->limit)
		drop_oldest(p, l);
	push(l, (struct slot){.block = line_block(p, l), .since = now});
	return plant_gap(p, l);
}

struct line *line_expiring(struct plant *p, const char *name, double gap_s, double keep_s,
			   double sweep_s)
{
	uint32_t slots = 8 + (uint32_t)(4 * (keep_s + sweep_s) / gap_s);
	struct line *l = store(p, name, gap_s, slots, act_expiring);

	l->longest_s = keep_s;
	l->rest_s = sweep_s;
	l->until_s = sweep_s;
	return l;
}

/* ---- when the high mark is reached, the oldest go until the low one is ---- */

static double act_watermark(struct plant *p, struct line *l)
{
	if (l->count == l->limit)
		while (l->count > (1 - l->share) * l->limit)
			drop_oldest(p, l);
	push(l, (struct slot){.block = line_block(p, l)});
	return plant_gap(p, l);
}

struct line *line_watermark(struct plant *p, const char *name, double fill_s, uint32_t blocks,
			    double dropped)
{
	struct line *l = store(p, name, fill_s / blocks, blocks, act_watermark);

	l->share = dropped;
	return l;
}

/* ---- the last so many steps, each of some blocks; sometimes a step back throws the newest away ---- */

static void step_back(struct plant *p, struct line *l)
{
	uint32_t step = l->round--;

	while (l->count && l->slots[(l->head + l->count - 1) % l->limit].state == step)
		world_free(p->w, l->slots[(l->head + --l->count) % l->limit].block);
}

static double act_undo(struct plant *p, struct line *l)
{
	uint32_t blocks = 1 + world_below(p->w, 2 * l->group);

	if (l->count && world_chance(p->w, 0.15)) {
		step_back(p, l);
		return plant_gap(p, l);
	}
	l->round++;
	while (l->count &&
	       (oldest(l)->state + l->state <= l->round || l->count + blocks > l->limit))
		drop_oldest(p, l);
	for (; blocks; blocks--)
		push(l, (struct slot){.block = line_block(p, l), .state = l->round});
	return plant_gap(p, l);
}

struct line *line_undo(struct plant *p, const char *name, double gap_s, uint32_t groups,
		       uint32_t group)
{
	struct line *l = store(p, name, gap_s, 2 * group * (groups + 1), act_undo);

	l->group = group;
	l->state = groups;
	l->clumps = false;
	return l;
}
