/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Healthy work that goes in rounds: it piles up, and all of it goes when the round is over. */
#include "blind3.h"
#include <math.h>

static struct worker *rounds(struct shop *s, const char *name, double gap_s, uint32_t items,
			     void (*act)(struct shop *, struct worker *))
{
	struct worker *k = shop_worker(s, world_healthy(s->w, name), act, gap_s);

	k->limit = items;
	shop_items(k, items);
	return k;
}

/* ---- tables in memory: a full one is written while the next is filled, then freed ---- */

static void act_memtable(struct shop *s, struct worker *k)
{
	k->items[k->count++].block = shop_block(s, k);
	if (k->count < k->limit)
		return;
	for (uint32_t i = 0; i < k->count; i++)
		world_free_after(s->w, k->items[i].block, k->longest_s);
	k->count = 0;
	k->evidence_s = fmin(k->evidence_s, world_now(s->w) + k->longest_s);
}

struct worker *has_memtable(struct shop *s, const char *name, double gap_s, uint32_t blocks,
			    double flush_s)
{
	struct worker *k = rounds(s, name, gap_s, blocks, act_memtable);

	k->longest_s = flush_s;
	return k;
}

/* ---- levels: four segments of one become one of the next; the last level is one, which is made anew with each that comes ---- */

#define LEVELS 3
#define FANOUT 4

static uint64_t segment(struct shop *s, const struct worker *k, uint32_t level)
{
	return world_alloc(s->w, k->site, shop_bytes(s, k) << (2 * level));
}

static bool merge(struct shop *s, struct item *from)
{
	if (from->state < FANOUT)
		return false;
	for (uint32_t i = 0; i < FANOUT; i++)
		world_free(s->w, from[i].block);
	from->state = 0;
	return true;
}

static void act_levels(struct shop *s, struct worker *k)
{
	struct item *last = &k->items[LEVELS * FANOUT];

	for (uint32_t level = 0; level < LEVELS; level++) {
		struct item *at = &k->items[level * FANOUT];

		at[at->state].block = segment(s, k, level);
		at->state++;
		if (!merge(s, at))
			return;
	}
	if (last->block)
		shop_seen(s, k);
	world_free(s->w, last->block);
	last->block = segment(s, k, LEVELS);
}

struct worker *has_levels(struct shop *s, const char *name, double gap_s)
{
	return rounds(s, name, gap_s, LEVELS * FANOUT + 1, act_levels);
}

/* ---- generations: the new one is built bit by bit, beside the old one that is in use until then ---- */

static void act_generations(struct shop *s, struct worker *k)
{
	struct item *fresh = k->items, *used = k->items + k->limit / 2;

	fresh[k->count++].block = shop_block(s, k);
	if (k->count < k->limit / 2)
		return;
	if (k->round++)
		shop_seen(s, k);
	for (uint32_t i = 0; i < k->count; i++) {
		world_free(s->w, used[i].block);
		used[i] = fresh[i];
	}
	k->count = 0;
	k->due_s = world_now(s->w) + world_between(s->w, 0, 2 * k->rest_s);
}

struct worker *has_generations(struct shop *s, const char *name, double gap_s, uint32_t blocks)
{
	struct worker *k = rounds(s, name, gap_s, 2 * blocks, act_generations);

	k->rest_s = blocks * gap_s * world_scale(s->w, 0.2, 2);
	return k;
}

/* ---- a backlog: now and then nobody takes what comes, later it is worked off; a full one takes no more ---- */

#define BACKLOG_TICK_S 0.1

static void take_in(struct shop *s, struct worker *k)
{
	uint32_t in = world_poisson(s->w, BACKLOG_TICK_S / k->gap_s);

	for (; in && k->count < k->limit; in--, k->count++)
		k->items[(k->head + k->count) % k->limit].block = shop_block(s, k);
}

static void work_off(struct shop *s, struct worker *k)
{
	uint32_t out = world_poisson(s->w, 4 * BACKLOG_TICK_S / k->gap_s);

	for (; out && k->count; out--, k->count--) {
		world_free(s->w, k->items[k->head].block);
		k->head = (k->head + 1) % k->limit;
	}
	if (k->round)
		shop_seen(s, k);
}

static void act_backlog(struct shop *s, struct worker *k)
{
	if (world_now(s->w) >= k->until_s) {
		k->on = !k->on;
		k->until_s = world_now(s->w) +
			     (k->on ? k->work_s : k->longest_s) * world_between(s->w, 0.4, 1);
		k->round += k->on && k->round < 2;
	}
	take_in(s, k);
	if (k->on)
		work_off(s, k);
	k->due_s = world_now(s->w) + BACKLOG_TICK_S;
}

/* Away for `outage_s` at most. */
struct worker *has_backlog(struct shop *s, const char *name, double gap_s, double outage_s,
			   uint32_t limit)
{
	struct worker *k = rounds(s, name, gap_s, limit, act_backlog);

	k->longest_s = outage_s;
	k->work_s = outage_s * world_between(s->w, 2, 6);
	k->until_s = world_between(s->w, 0.5, 1) * k->work_s;
	k->on = true;
	return k;
}

/* ---- batch work: collected for some time, then worked off from the last to the first, then a rest ---- */

static void begin_round(struct shop *s, struct worker *k)
{
	k->on = true;
	k->until_s = world_now(s->w) + k->work_s * world_between(s->w, 0.6, 1);
}

static void put_away(struct shop *s, struct worker *k)
{
	uint32_t some = 1 + k->count / 4;

	shop_seen(s, k);
	for (; some && k->count; some--)
		world_free(s->w, k->items[--k->count].block);
	if (k->count)
		return;
	k->due_s = world_now(s->w) + k->rest_s * world_between(s->w, 0.7, 1.3);
	k->until_s = k->due_s + k->work_s * world_between(s->w, 0.6, 1);
	k->on = true;
}

static void act_batch(struct shop *s, struct worker *k)
{
	if (!k->on && !k->count)
		begin_round(s, k);
	if (k->on && (world_now(s->w) >= k->until_s || k->count == k->limit))
		k->on = false;
	if (k->on)
		k->items[k->count++].block = shop_block(s, k);
	else
		put_away(s, k);
}

struct worker *has_batch(struct shop *s, const char *name, double gap_s, double work_s,
			 double rest_s)
{
	struct worker *k = rounds(s, name, gap_s, 16 + (uint32_t)(3 * work_s / gap_s), act_batch);

	k->work_s = work_s;
	k->rest_s = rest_s;
	return k;
}

/* ---- pages that are copied when they are written to while a snapshot holds them ---- */

static void drop_snapshot(struct shop *s, struct worker *k)
{
	struct item *kept = k->items + k->limit;

	for (; k->spare; k->spare--)
		world_free(s->w, kept[k->spare - 1].block);
	shop_seen(s, k);
	k->on = false;
	k->until_s = world_now(s->w) + k->longest_s * world_scale(s->w, 0.3, 2);
}

static void take_snapshot(struct shop *s, struct worker *k)
{
	k->on = true;
	k->round++;
	k->until_s = world_now(s->w) + k->longest_s * world_between(s->w, 0.5, 1);
}

static void write_page(struct shop *s, struct worker *k)
{
	double u = world_between(s->w, 0, 1);
	struct item *page = &k->items[(uint32_t)(u * u * k->limit)];

	if (k->on && page->state != k->round)
		k->items[k->limit + k->spare++] = *page;
	else
		world_free(s->w, page->block);
	page->state = k->round;
	page->block = world_alloc(s->w, k->site, k->bytes);
}

static void act_snapshots(struct shop *s, struct worker *k)
{
	for (; k->count < k->limit; k->count++)
		k->items[k->count].block = world_alloc(s->w, k->site, k->bytes);
	if (world_now(s->w) >= k->until_s) {
		if (k->on)
			drop_snapshot(s, k);
		else
			take_snapshot(s, k);
	}
	write_page(s, k);
}

struct worker *has_snapshots(struct shop *s, const char *name, double gap_s, uint32_t pages,
			     double hold_s)
{
	struct worker *k = rounds(s, name, gap_s, 2 * pages, act_snapshots);

	k->limit = pages;
	k->longest_s = hold_s;
	k->until_s = world_between(s->w, 1, 15);
	return k;
}

/* ---- some texts that are written at the same time: each doubles its room until it is done ---- */

static void act_text(struct shop *s, struct worker *k)
{
	struct item *text = &k->items[world_below(s->w, k->limit)];
	uint64_t pieces = text->state++;

	if (text->block && world_chance(s->w, 1.0 / k->head)) {
		world_free(s->w, text->block);
		*text = (struct item){0};
		k->evidence_s = fmin(k->evidence_s, fmax(world_now(s->w), k->typical_s));
	} else if (pieces * k->bytes >= text->bytes) {
		text->bytes = 2 * text->bytes + 8 * k->bytes;
		text->block = world_realloc(s->w, k->site, text->block, text->bytes);
	}
}

/* About `typical_s` from the first piece of a text to its last. */
struct worker *has_texts(struct shop *s, const char *name, double typical_s, uint32_t open,
			 uint32_t pieces)
{
	struct worker *k = rounds(s, name, typical_s / open / pieces, open, act_text);

	k->typical_s = typical_s;
	k->head = pieces;
	k->bytes = 1 + k->bytes / 16;
	return k;
}
