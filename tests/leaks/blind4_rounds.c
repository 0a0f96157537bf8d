/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work that goes in rounds: it piles up, and all of it goes, or nearly all where a round leaks, when the round is over. */
#include "blind4.h"
#include <math.h>

static struct line *rounds(struct plant *p, uint32_t site, double gap_s, uint32_t slots,
			   act_fn *act)
{
	struct line *l = line_new(p, site, gap_s, act);

	line_room(l, slots);
	return l;
}

/* ---- batches: collected for some time, then put away, then a rest ---- */

static double put_away(struct plant *p, struct line *l)
{
	double soon_s = 0.2 * l->work_s;

	for (uint32_t i = 0; i < l->count; i++)
		if (l->leaks && world_chance(p->w, l->share))
			plant_lost(p, l->site, l->work_s + soon_s, l->round);
		else
			world_free_after(p->w, l->slots[i].block, world_between(p->w, 0, soon_s));
	if (!l->leaks)
		plant_seen(p, l->site, world_now(p->w) + soon_s);
	l->count = 0;
	l->on = false;
	return l->rest_s * world_between(p->w, 0.6, 1.4);
}

static double act_batch(struct plant *p, struct line *l)
{
	if (!l->on) {
		l->on = true;
		l->round++;
		l->until_s = world_now(p->w) + l->work_s * world_between(p->w, 0.7, 1);
	}
	if (l->count == l->limit || world_now(p->w) >= l->until_s)
		return put_away(p, l);
	l->slots[l->count++].block = line_block(p, l);
	return plant_gap(p, l);
}

static struct line *batch(struct plant *p, uint32_t site, double gap_s, double work_s,
			  double rest_s)
{
	struct line *l = rounds(p, site, gap_s, 16 + (uint32_t)(3 * work_s / gap_s), act_batch);

	l->work_s = work_s;
	l->rest_s = rest_s;
	return l;
}

struct line *line_batch(struct plant *p, const char *name, double gap_s, double work_s,
			double rest_s)
{
	return batch(p, world_healthy(p->w, name), gap_s, work_s, rest_s);
}

struct line *line_leaky_batch(struct plant *p, const char *name, double gap_s, double work_s,
			      double rest_s, double left)
{
	struct line *l = batch(p, world_leak(p->w, name), gap_s, work_s, rest_s);

	l->leaks = true;
	l->clumps = false; /* else a batch may be over after a few blocks */
	l->share = fmin(0.9, left * gap_s / (0.85 * work_s));
	return l;
}

/* ---- all at once, again and again ---- */

static void forget_old(struct plant *p, struct line *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (l->leaks)
			plant_lost(p, l->site, 0, l->round);
		else
			world_free(p->w, l->slots[i].block);
	if (l->count && !l->leaks)
		plant_seen(p, l->site, world_now(p->w));
}

/* The new ones first: the old are in use until all of these are there. About as many each time. */
static double act_reload(struct plant *p, struct line *l)
{
	uint32_t blocks = l->state + world_below(p->w, l->state / 5 + 1);
	struct slot *fresh = l->slots + l->limit / 2;

	for (uint32_t i = 0; i < blocks; i++)
		fresh[i].block = line_block(p, l);
	forget_old(p, l);
	for (uint32_t i = 0; i < blocks; i++)
		l->slots[i] = fresh[i];
	l->count = blocks;
	l->round++;
	return l->gap_s * world_between(p->w, 0.6, 1.4);
}

static struct line *reload(struct plant *p, uint32_t site, double period_s, uint32_t blocks)
{
	struct line *l = rounds(p, site, period_s, 4 * blocks, act_reload);

	l->state = blocks;
	return l;
}

struct line *line_reload(struct plant *p, const char *name, double period_s, uint32_t blocks)
{
	return reload(p, world_healthy(p->w, name), period_s, blocks);
}

struct line *line_leaky_reload(struct plant *p, const char *name, double period_s, uint32_t blocks)
{
	struct line *l = reload(p, world_leak(p->w, name), period_s, blocks);

	l->leaks = true;
	return l;
}

/* ---- a collector: the dead stay until the heap is full; then it may become twice as large as what lives ---- */

static void collect(struct plant *p, struct line *l)
{
	uint32_t alive = 0;

	for (uint32_t i = 0; i < l->count; i++)
		if (l->slots[i].until > world_now(p->w))
			l->slots[alive++] = l->slots[i];
		else
			world_free(p->w, l->slots[i].block);
	l->count = alive;
	l->state = 2 * alive > l->head ? 2 * alive : l->head;
	if (l->state > l->limit)
		l->state = l->limit;
	plant_seen(p, l->site, world_now(p->w));
}

static double act_collector(struct plant *p, struct line *l)
{
	double age_s = world_chance(p->w, 0.9) ? world_between(p->w, 0, 0.5)
					       : world_between(p->w, 0, l->longest_s);

	if (l->count >= l->state)
		collect(p, l);
	if (l->count < l->limit)
		l->slots[l->count++] =
			(struct slot){.block = line_block(p, l), .until = world_now(p->w) + age_s};
	return plant_gap(p, l);
}

/* `blocks` at least before each collection. */
struct line *line_collector(struct plant *p, const char *name, double gap_s, uint32_t blocks,
			    double longest_s)
{
	struct line *l = rounds(p, world_healthy(p->w, name), gap_s, 8 * blocks, act_collector);

	l->head = blocks;
	l->state = blocks;
	l->longest_s = longest_s;
	return l;
}

/* ---- the last so many buckets of time ---- */

static double act_bucket(struct plant *p, struct line *l)
{
	double age_s = l->state * l->work_s - fmod(world_now(p->w), l->work_s);

	world_free_after(p->w, line_block(p, l), age_s);
	plant_seen(p, l->site, world_now(p->w) + age_s);
	return plant_gap(p, l);
}

struct line *line_buckets(struct plant *p, const char *name, double gap_s, double bucket_s,
			  uint32_t buckets)
{
	struct line *l = line_new(p, world_healthy(p->w, name), gap_s, act_bucket);

	l->work_s = bucket_s;
	l->state = buckets;
	return l;
}

/* ---- a queue whose consumer stands still now and then, later takes three for each that comes; full, it takes no more ---- */

static void consume(struct plant *p, struct line *l)
{
	for (int i = 0; i < 3 && l->count > 1; i++) {
		world_free(p->w, l->slots[l->head].block);
		l->head = (l->head + 1) % l->limit;
		l->count--;
	}
}

static double act_queue(struct plant *p, struct line *l)
{
	if (world_now(p->w) >= l->until_s) {
		l->on = !l->on;
		l->until_s = world_now(p->w) + (l->on ? world_between(p->w, 0.3, 1) * l->work_s
						      : world_between(p->w, 2, 7) * l->work_s);
		if (!l->on)
			plant_seen(p, l->site, world_now(p->w));
	}
	if (l->count < l->limit) {
		l->slots[(l->head + l->count) % l->limit].block = line_block(p, l);
		l->count++;
	}
	if (!l->on)
		consume(p, l);
	return plant_gap(p, l);
}

/* It stands still for `stall_s` at most. */
struct line *line_queue(struct plant *p, const char *name, double gap_s, double stall_s,
			uint32_t limit)
{
	struct line *l = rounds(p, world_healthy(p->w, name), gap_s, limit, act_queue);

	l->work_s = stall_s;
	l->until_s = world_between(p->w, 1, 4) * stall_s;
	return l;
}

/* ---- people who come in the morning and go in the evening, and some at any time ---- */

#define CROWD_TICK_S 0.25

static void leave(struct plant *p, struct line *l)
{
	uint32_t who = world_below(p->w, l->count);

	world_free(p->w, l->slots[who].block);
	l->slots[who] = l->slots[--l->count];
}

static double act_crowd(struct plant *p, struct line *l)
{
	double day = world_now(p->w) / l->work_s;
	uint32_t due = (uint32_t)(l->limit * (0.5 - 0.45 * cos(2 * 3.14159265358979 * day)));

	if (l->count > due)
		plant_seen(p, l->site, world_now(p->w));
	while (l->count > due)
		leave(p, l);
	if (l->count > 1 && world_chance(p->w, l->share))
		leave(p, l);
	for (; l->count < due; l->count++)
		l->slots[l->count].block = line_block(p, l);
	return plant_gap(p, l);
}

struct line *line_crowd(struct plant *p, const char *name, double period_s, uint32_t most)
{
	struct line *l = rounds(p, world_healthy(p->w, name), CROWD_TICK_S, most, act_crowd);

	l->work_s = period_s;
	l->steady = true;
	l->share = world_between(p->w, 0, 0.8);
	return l;
}

/* ---- some texts or arrays that grow at the same time, by half of what they have, until they are done ---- */

static double act_growing(struct plant *p, struct line *l)
{
	struct slot *text = &l->slots[world_below(p->w, l->limit)];

	if (text->block && text->state++ >= text->length) {
		world_free(p->w, text->block);
		*text = (struct slot){0};
		plant_seen(p, l->site, fmax(world_now(p->w), l->longest_s));
		return plant_gap(p, l);
	}
	if (!text->block)
		text->length = l->head * world_between(p->w, 0.3, 1.7);
	if (text->state * l->bytes >= text->bytes) {
		text->bytes += text->bytes / 2 + 4 * l->bytes;
		text->block = world_realloc(p->w, l->site, text->block, text->bytes);
	}
	return plant_gap(p, l);
}

/* About `typical_s` from the first piece to the last. */
struct line *line_growing(struct plant *p, const char *name, double typical_s, uint32_t open,
			  uint32_t pieces)
{
	struct line *l =
		rounds(p, world_healthy(p->w, name), typical_s / open / pieces, open, act_growing);

	l->head = pieces;
	l->longest_s = typical_s;
	l->bytes = 1 + l->bytes / 16;
	return l;
}
