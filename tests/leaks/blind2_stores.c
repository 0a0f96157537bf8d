/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Healthy stores with a bound: rings, caches, tables of what is known, batches, sets that are replaced, vectors. */
#include "blind2.h"
#include <math.h>

static struct actor *store(struct scene *s, const char *name, double mean, uint32_t limit,
			   double (*step)(struct scene *, struct actor *))
{
	struct actor *a = scene_actor(s, world_healthy(s->w, name), step);

	a->mean = mean;
	a->limit = limit;
	scene_room(a, limit);
	return a;
}

static uint64_t new_block(struct scene *s, struct actor *a)
{
	return world_alloc(s->w, a->site, scene_size(s, a));
}

static void seen(struct scene *s, struct actor *a)
{
	if (a->evidence_s == SCENE_NEVER)
		a->evidence_s = world_now(s->w);
}

static void free_all(struct scene *s, struct actor *a)
{
	for (uint32_t i = 0; i < a->count; i++)
		world_free(s->w, a->slots[i].block);
	a->count = 0;
}

/* ---- a ring: the last so many; the oldest goes ---- */

static double step_ring(struct scene *s, struct actor *a)
{
	struct slot *slot = &a->slots[a->head];

	if (slot->block)
		seen(s, a);
	world_free(s->w, slot->block);
	slot->block = new_block(s, a);
	a->head = (a->head + 1) % a->limit;
	return scene_due(s, a);
}

struct actor *cast_ring(struct scene *s, const char *name, double mean, uint32_t limit)
{
	return store(s, name, mean, limit, step_ring);
}

/* ---- caches: some keys are asked for much more often than others ---- */

static uint32_t ask(struct scene *s, const struct actor *a)
{
	double u = world_between(s->w, 0, 1);

	return (uint32_t)(u * u * u * a->kinds);
}

static struct slot *find_key(struct actor *a, uint32_t key)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (a->slots[i].key == key)
			return &a->slots[i];
	return NULL;
}

/* A place for a key that is not there: a new one, or that of the one not used for longest. */
static struct slot *take_place(struct scene *s, struct actor *a)
{
	struct slot *oldest = &a->slots[0];

	if (a->count < a->limit)
		return &a->slots[a->count++];
	seen(s, a);
	for (uint32_t i = 1; i < a->count; i++)
		if (a->slots[i].mark < oldest->mark)
			oldest = &a->slots[i];
	world_free(s->w, oldest->block);
	return oldest;
}

static double step_cache(struct scene *s, struct actor *a)
{
	uint32_t key = ask(s, a);
	struct slot *slot = find_key(a, key);

	if (!slot) {
		slot = take_place(s, a);
		slot->key = key;
		slot->block = new_block(s, a);
	}
	slot->mark = world_now(s->w);
	return scene_due(s, a);
}

struct actor *cast_lru(struct scene *s, const char *name, double mean, uint32_t kinds,
		       uint32_t limit)
{
	struct actor *a = store(s, name, mean, limit, step_cache);

	a->kinds = kinds;
	return a;
}

/* What nobody has asked for since `high` seconds goes; what is asked for often stays for ever. */
static double step_memo(struct scene *s, struct actor *a)
{
	double now = world_now(s->w);

	for (uint32_t i = 0; (uint32_t)now != a->state && i < a->count;) {
		if (now - a->slots[i].mark <= a->high) {
			i++;
			continue;
		}
		world_free(s->w, a->slots[i].block);
		a->slots[i] = a->slots[--a->count];
		seen(s, a);
	}
	a->state = (uint32_t)now;
	return step_cache(s, a);
}

struct actor *cast_memo(struct scene *s, const char *name, double mean, uint32_t kinds,
			double age_s)
{
	struct actor *a = store(s, name, mean, kinds, step_memo);

	a->kinds = kinds;
	a->high = age_s;
	return a;
}

/* ---- all that there are: labels, names, shapes; each is kept once it has been met ---- */

static double step_labels(struct scene *s, struct actor *a)
{
	double u = world_between(s->w, 0, 1);
	struct slot *slot = &a->slots[(uint32_t)(u * u * a->limit)];

	if (!slot->block) {
		slot->block = new_block(s, a);
		a->count++;
	}
	if (a->count == a->limit)
		seen(s, a);
	return a->count == a->limit ? SCENE_NEVER : scene_due(s, a);
}

struct actor *cast_labels(struct scene *s, const char *name, double mean, uint32_t kinds)
{
	return store(s, name, mean, kinds, step_labels);
}

static double step_startup(struct scene *s, struct actor *a)
{
	a->slots[a->count++].block = new_block(s, a);
	if (a->count < a->limit)
		return scene_due(s, a);
	seen(s, a);
	return SCENE_NEVER;
}

struct actor *cast_startup(struct scene *s, const char *name, double over_s, uint32_t blocks)
{
	return store(s, name, over_s / blocks, blocks, step_startup);
}

/* ---- piles that are freed as a whole ---- */

static double step_batch(struct scene *s, struct actor *a)
{
	double now = world_now(s->w), since = fmod(now, a->period);
	uint32_t round = (uint32_t)(now / a->period);

	if (a->count && (since >= a->off || round != a->state)) {
		free_all(s, a);
		seen(s, a);
	}
	a->state = round;
	if (since < a->on && a->count < a->limit)
		a->slots[a->count++].block = new_block(s, a);
	return fmin(scene_due(s, a), a->period - since + 0.001);
}

/* Each `period`: it piles up for `work_s`, and is needed for `hold_s` more. */
struct actor *cast_batch(struct scene *s, const char *name, double mean, double period,
			 double work_s, double hold_s)
{
	struct actor *a = store(s, name, mean, 64 + (uint32_t)(2 * work_s / mean), step_batch);

	a->period = period;
	a->on = work_s;
	a->off = work_s + hold_s;
	return a;
}

struct actor *cast_saw(struct scene *s, const char *name, double mean, double period)
{
	return cast_batch(s, name, mean, period, period, 0);
}

/* A set that is built anew each `mean` seconds; the old one is freed when the new one is there. */
static double step_replaced(struct scene *s, struct actor *a)
{
	uint32_t old = a->state, fresh = a->limit / 2 - world_below(s->w, a->limit / 8 + 1);

	for (uint32_t i = 0; i < fresh; i++)
		a->slots[a->limit / 2 + i].block = new_block(s, a);
	for (uint32_t i = 0; i < old; i++)
		world_free(s->w, a->slots[i].block);
	for (uint32_t i = 0; i < fresh; i++)
		a->slots[i] = a->slots[a->limit / 2 + i];
	a->state = fresh;
	return a->mean * world_between(s->w, 0.8, 1.2);
}

struct actor *cast_replaced(struct scene *s, const char *name, double period, uint32_t blocks)
{
	return store(s, name, period, 2 * blocks, step_replaced);
}

/* ---- a vector: one block, twice as large when it is full; freed at `limit` elements ---- */

static double step_vector(struct scene *s, struct actor *a)
{
	if (++a->count > a->limit) {
		world_free(s->w, a->slots[0].block);
		a->slots[0].block = 0;
		a->count = a->state = 0;
		return 10 * a->mean;
	}
	if (a->count > a->state) {
		a->state = a->state ? 2 * a->state : 8;
		a->slots[0].block =
			world_realloc(s->w, a->site, a->slots[0].block, a->state * a->bytes);
	}
	return scene_due(s, a);
}

struct actor *cast_vector(struct scene *s, const char *name, double mean, uint32_t limit)
{
	struct actor *a = store(s, name, mean, limit, step_vector);

	a->bytes = 8u << world_below(s->w, 5);
	return a;
}
