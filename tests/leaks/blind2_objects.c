/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects that have a lifetime each, and those that are lost; and what waits in a queue or is needed at the same time. */
#include "blind2.h"
#include <math.h>

#define PILE 3

/* ---- objects ---- */

static bool loses(struct scene *s, const struct actor *a)
{
	double since = world_now(s->w) - a->from;

	if (since < 0 || (a->off > 0 && fmod(since, a->on + a->off) >= a->on))
		return false;
	return world_chance(s->w, a->chance);
}

static void count_in_burst(struct actor *a, double now, double life)
{
	uint32_t burst = 1 + (uint32_t)((now - a->from) / (a->on + a->off));

	if (burst != a->burst)
		a->in_burst = 0;
	a->burst = burst;
	if (++a->in_burst != PILE)
		return;
	if (a->first_s < 0)
		a->first_s = now;
	else if (a->evidence_s == SCENE_NEVER)
		a->evidence_s = fmax(now, a->first_s + life);
}

static void count_loss(struct scene *s, struct actor *a)
{
	double now = world_now(s->w), life = a->chance < 1 ? a->high : 0;

	a->lost++;
	if (a->off > 0)
		count_in_burst(a, now, life);
	else if (a->lost == PILE)
		a->evidence_s = now + life;
}

static void make_block(struct scene *s, struct actor *a, uint32_t site, bool lost, double life)
{
	uint64_t bytes = scene_size(s, a), block = 0;

	if (!a->grows)
		block = world_alloc(s->w, site, bytes);
	for (uint32_t i = 0; i < a->grows; i++, bytes += bytes / 2 + 1)
		block = world_realloc(s->w, site, block, bytes);
	if (!lost)
		world_free_after(s->w, block, life);
}

static double step_object(struct scene *s, struct actor *a)
{
	bool lost = loses(s, a);
	double life =
		a->even ? world_between(s->w, a->low, a->high) : world_scale(s->w, a->low, a->high);
	uint32_t blocks = a->group ? 1 + world_below(s->w, 2 * a->group - 1) : 1;

	if (a->own_thread)
		world_thread(s->w, 2 + a->state++);
	for (uint32_t i = 0; i < blocks; i++)
		make_block(s, a, a->site, lost, life);
	if (a->companion != WORLD_SITES)
		make_block(s, a, a->companion, lost, life);
	world_thread(s->w, 1);
	if (lost)
		count_loss(s, a);
	if (a->piles && a->evidence_s == SCENE_NEVER)
		a->evidence_s = world_now(s->w) + a->high;
	return scene_due(s, a);
}

static struct actor *objects(struct scene *s, uint32_t site, double mean, double low, double high)
{
	struct actor *a = scene_actor(s, site, step_object);

	a->mean = mean;
	a->low = low;
	a->high = high;
	return a;
}

struct actor *cast_objects(struct scene *s, const char *name, double mean, double low, double high)
{
	return objects(s, world_healthy(s->w, name), mean, low, high);
}

struct actor *cast_expiring(struct scene *s, const char *name, double mean, double low, double high)
{
	struct actor *a = cast_objects(s, name, mean, low, high);

	a->piles = true;
	return a;
}

struct actor *cast_leak(struct scene *s, const char *name, double mean, double gap, double low,
			double high)
{
	struct actor *a = objects(s, world_leak(s->w, name), mean, low, high);

	a->chance = fmin(mean / gap, 1);
	return a;
}

/* ---- a queue: what comes in busy times waits, and is worked off; a full one takes no more ---- */

static double step_queue(struct scene *s, struct actor *a)
{
	double now = world_now(s->w);
	uint32_t in = world_poisson(s->w, 0.1 / a->mean * (1 + a->swing * sin(now / a->period))),
		 out = world_poisson(s->w, 0.1 / a->mean / a->high);

	for (; in && a->count < a->limit; in--, a->count++)
		a->slots[(a->head + a->count) % a->limit].block =
			world_alloc(s->w, a->site, scene_size(s, a));
	for (; out && a->count; out--, a->count--) {
		world_free(s->w, a->slots[a->head].block);
		a->head = (a->head + 1) % a->limit;
	}
	return 0.1;
}

/* `load`: what comes in for each that can be done, on average */
struct actor *cast_queue(struct scene *s, const char *name, double mean, double load,
			 uint32_t limit)
{
	struct actor *a = scene_actor(s, world_healthy(s->w, name), step_queue);

	a->mean = mean;
	a->high = load;
	a->limit = limit;
	scene_wave(s, a, world_between(s->w, 0.2, 0.8), world_scale(s->w, 1, 10));
	scene_room(a, limit);
	return a;
}

/* ---- a pool: as many as were needed at the same time, never given back ---- */

static struct slot *find_idle(struct scene *s, struct actor *a)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (a->slots[i].mark <= world_now(s->w))
			return &a->slots[i];
	if (a->count == a->limit)
		return NULL;
	a->slots[a->count].block = world_alloc(s->w, a->site, a->bytes);
	return &a->slots[a->count++];
}

static double step_pool(struct scene *s, struct actor *a)
{
	struct slot *slot = find_idle(s, a);

	if (slot)
		slot->mark = world_now(s->w) + world_between(s->w, 0.1 * a->high, a->high);
	if (a->evidence_s == SCENE_NEVER)
		a->evidence_s = world_now(s->w) + a->period;
	return scene_due(s, a);
}

/* Warmed when the load has been at its height once. */
struct actor *cast_pool(struct scene *s, const char *name, double mean, double high, uint32_t limit)
{
	struct actor *a = scene_actor(s, world_healthy(s->w, name), step_pool);

	a->mean = mean;
	a->high = high;
	a->limit = limit;
	scene_wave(s, a, world_between(s->w, 0.3, 0.9), world_between(s->w, 10, 50));
	scene_room(a, limit);
	return a;
}

/* ---- things that several holders share, counted, and freed with the last of them ---- */

static void let_go(struct scene *s, struct actor *a, struct slot *holder)
{
	struct slot *thing = &a->slots[a->limit + holder->key];

	holder->mark = 0;
	if (--thing->key)
		return;
	world_free(s->w, thing->block);
	thing->block = 0;
}

static void hold(struct scene *s, struct actor *a, struct slot *holder)
{
	double u = world_between(s->w, 0, 1);
	struct slot *thing;

	holder->key = (uint32_t)(u * u * a->kinds);
	holder->mark = world_now(s->w) + world_between(s->w, a->low, a->high);
	thing = &a->slots[a->limit + holder->key];
	if (!thing->key++)
		thing->block = world_alloc(s->w, a->site, scene_size(s, a));
}

static double step_shared(struct scene *s, struct actor *a)
{
	struct slot *idle = NULL;

	for (uint32_t i = 0; i < a->limit; i++) {
		struct slot *holder = &a->slots[i];

		if (holder->mark > 0 && holder->mark <= world_now(s->w))
			let_go(s, a, holder);
		if (holder->mark <= 0)
			idle = holder;
	}
	if (idle)
		hold(s, a, idle);
	if (a->evidence_s == SCENE_NEVER)
		a->evidence_s = world_now(s->w) + a->high;
	return scene_due(s, a);
}

struct actor *cast_shared(struct scene *s, const char *name, double mean, uint32_t kinds,
			  double low, double high)
{
	struct actor *a = scene_actor(s, world_healthy(s->w, name), step_shared);

	a->mean = mean;
	a->low = low;
	a->high = high;
	a->kinds = kinds;
	a->limit = 1 + (uint32_t)(2 * high / mean);
	scene_room(a, a->limit + kinds);
	return a;
}
