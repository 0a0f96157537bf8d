/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks that have a life each, or share that of a session; and those that are lost. */
#include "blind3.h"
#include <math.h>

#define PILE 3

/* ---- what is lost ---- */

/* Bursts begin and end at random times, about on_s and off_s long. */
static void turn(struct shop *s, struct worker *k)
{
	if (k->off_s <= 0 || world_now(s->w) < k->until_s)
		return;
	k->on = !k->on;
	k->until_s = world_now(s->w) + (k->on ? k->on_s : k->off_s) * world_between(s->w, 0.7, 1.3);
	if (k->on) {
		k->burst++;
		k->in_burst = 0;
	}
}

static bool loses(struct shop *s, struct worker *k)
{
	if (world_now(s->w) < k->from_s)
		return false;
	turn(s, k);
	return (k->off_s <= 0 || k->on) && world_chance(s->w, k->lost_share);
}

/* `life_s`: the oldest that blocks of this site become when they are freed */
static void count_loss(struct shop *s, struct worker *k, double life_s)
{
	double now = world_now(s->w);

	k->losses++;
	if (k->off_s <= 0) {
		if (k->losses == PILE)
			k->evidence_s = now + life_s;
		return;
	}
	if (++k->in_burst != PILE)
		return;
	if (k->pile_s < 0)
		k->pile_s = now;
	else if (k->evidence_s >= SHOP_NEVER)
		k->evidence_s = fmax(now, k->pile_s + life_s);
}

/* ---- objects ---- */

static void make(struct shop *s, struct worker *k, uint32_t site, bool lost, double life_s)
{
	uint64_t bytes = shop_bytes(s, k), block = world_alloc(s->w, site, bytes);

	for (uint32_t i = 0; i < k->grows; i++) {
		bytes += bytes / 4 + world_below(s->w, (uint32_t)bytes) + 1;
		block = world_realloc(s->w, site, block, bytes);
	}
	if (!lost)
		world_free_after(s->w, block, life_s);
}

static void act_object(struct shop *s, struct worker *k)
{
	bool lost = loses(s, k);
	double life_s = k->life(s->w, k->typical_s, k->longest_s);
	uint32_t blocks = k->group ? 1 + world_below(s->w, 2 * k->group - 1) : 1;

	if (k->own_thread)
		world_thread(s->w, 2 + k->state++);
	for (uint32_t i = 0; i < blocks; i++)
		make(s, k, k->site, lost, life_s);
	if (k->companion != WORLD_SITES)
		make(s, k, k->companion, lost, life_s);
	world_thread(s->w, 1);
	if (lost)
		count_loss(s, k, k->lost_share < 1 ? k->longest_s : 0);
	if (k->piles)
		k->evidence_s = fmin(k->evidence_s, world_now(s->w) + k->longest_s);
}

static struct worker *objects(struct shop *s, uint32_t site, double gap_s, life_fn *life,
			      double typical_s, double longest_s)
{
	struct worker *k = shop_worker(s, site, act_object, gap_s);

	k->life = life;
	k->typical_s = typical_s;
	k->longest_s = longest_s;
	return k;
}

/* Of lives that are all long the first are due only after a pile. */
struct worker *has_objects(struct shop *s, const char *name, double gap_s, life_fn *life,
			   double typical_s, double longest_s)
{
	struct worker *k = objects(s, world_healthy(s->w, name), gap_s, life, typical_s, longest_s);

	k->piles = life == lives_fixed || (life == lives_even && typical_s > 2);
	return k;
}

struct worker *has_leak(struct shop *s, const char *name, double gap_s, double share, life_fn *life,
			double typical_s, double longest_s)
{
	struct worker *k = objects(s, world_leak(s->w, name), gap_s, life, typical_s, longest_s);

	k->lost_share = share;
	return k;
}

struct worker *has_registry(struct shop *s, const char *name, double gap_s)
{
	return has_leak(s, name, gap_s, 1, lives_fixed, 0, 0);
}

/* ---- sessions ---- */

static void begin_session(struct shop *s, struct worker *k)
{
	struct item *session = &k->items[k->count++];

	session->since = world_now(s->w) + k->life(s->w, k->typical_s, k->longest_s);
	session->state = loses(s, k);
	if (session->state)
		count_loss(s, k, k->longest_s);
}

static void end_sessions(struct shop *s, struct worker *k)
{
	for (uint32_t i = 0; i < k->count;)
		if (k->items[i].since <= world_now(s->w))
			k->items[i] = k->items[--k->count];
		else
			i++;
}

/* A session begins when there is a place, sooner or later; then one of them makes a block. */
static void act_session(struct shop *s, struct worker *k)
{
	const struct item *session;
	uint64_t block;

	end_sessions(s, k);
	if (!k->count || (k->count < k->limit && world_chance(s->w, k->share)))
		begin_session(s, k);
	session = &k->items[world_below(s->w, k->count)];
	block = shop_block(s, k);
	if (!session->state)
		world_free_after(s->w, block, session->since - world_now(s->w));
}

static struct worker *sessions(struct shop *s, uint32_t site, double gap_s, uint32_t at_once)
{
	struct worker *k = shop_worker(s, site, act_session, gap_s);

	k->limit = at_once;
	k->share = fmin(1, gap_s * at_once / 6);
	shop_items(k, at_once);
	return k;
}

struct worker *has_sessions(struct shop *s, const char *name, double gap_s, uint32_t at_once,
			    life_fn *life, double typical_s, double longest_s)
{
	struct worker *k = sessions(s, world_healthy(s->w, name), gap_s, at_once);

	k->life = life;
	k->typical_s = typical_s;
	k->longest_s = longest_s;
	return k;
}

struct worker *has_leaky_sessions(struct shop *s, const char *name, double gap_s, double share,
				  uint32_t at_once, double longest_s)
{
	struct worker *k = sessions(s, world_leak(s->w, name), gap_s, at_once);

	k->life = lives_even;
	k->typical_s = longest_s / 8;
	k->longest_s = longest_s;
	k->lost_share = share;
	return k;
}

/* ---- values that are replaced; it is seen when the third that was lost is older than any that was freed ---- */

static void look_at_lost(struct shop *s, struct worker *k)
{
	if (k->losses >= PILE && k->count == k->limit && world_now(s->w) - k->pile_s > k->longest_s)
		shop_seen(s, k);
}

static void forget(struct shop *s, struct worker *k, const struct item *value)
{
	if (world_chance(s->w, k->lost_share)) {
		if (++k->losses <= PILE)
			k->pile_s = fmax(k->pile_s, value->since);
		return;
	}
	world_free(s->w, value->block);
	k->longest_s = fmax(k->longest_s, world_now(s->w) - value->since);
}

static void act_overwritten(struct shop *s, struct worker *k)
{
	struct item *value = &k->items[world_below(s->w, k->limit)];

	if (value->block)
		forget(s, k, value);
	else
		k->count++;
	value->block = shop_block(s, k);
	value->since = world_now(s->w);
	look_at_lost(s, k);
}

struct worker *has_overwritten(struct shop *s, const char *name, double gap_s, double share,
			       uint32_t keys)
{
	struct worker *k = shop_worker(s, world_leak(s->w, name), act_overwritten, gap_s);

	k->lost_share = share;
	k->limit = keys;
	shop_items(k, keys);
	return k;
}

/* ---- a leak at once, again and again ---- */

static void act_harvest(struct shop *s, struct worker *k)
{
	uint32_t blocks = k->limit / 2 + world_below(s->w, k->limit) + 1;

	for (uint32_t i = 0; i < blocks; i++)
		shop_block(s, k);
	if (++k->round == 2)
		shop_seen(s, k);
	k->due_s = world_now(s->w) + k->gap_s * world_between(s->w, 0.6, 1.4);
}

struct worker *has_harvest(struct shop *s, const char *name, double period_s, uint32_t blocks)
{
	struct worker *k = shop_worker(s, world_leak(s->w, name), act_harvest, period_s);

	k->limit = blocks;
	return k;
}

/* ---- the last so many buckets of time ---- */

static void act_buckets(struct shop *s, struct worker *k)
{
	double old_s = k->limit * k->work_s - fmod(world_now(s->w), k->work_s);

	world_free_after(s->w, shop_block(s, k), old_s);
	k->evidence_s = fmin(k->evidence_s, world_now(s->w) + old_s);
}

struct worker *has_buckets(struct shop *s, const char *name, double gap_s, double bucket_s,
			   uint32_t buckets)
{
	struct worker *k = shop_worker(s, world_healthy(s->w, name), act_buckets, gap_s);

	k->work_s = bucket_s;
	k->limit = buckets;
	return k;
}
