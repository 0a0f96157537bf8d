// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An object that was found alive after each collection since it was made is alive. When a collection was missed, what is found at its
 * place may be another one: then it is uncertain, and stays so; it is freed as soon as nothing is found there.
 *
 * The table has no end, but when it grows, or samples come fast, the kernel side is told to draw fewer, each of which stands for
 * more: so its size grows with the logarithm of the heap.
 */
#include "go_live.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "probe/go_maps.h"

#define OPEN_AGAIN_NS (50 * NS_PER_MS)
#define BATCH	      1024
#define CYCLE_STEP    2u /* of sweepgen */
/* Each bit halves how many are drawn of spans of that size, the usual one. */
#define SPAN_BYTES   8192ull
#define BITS_MOST    24
#define TABLE_PART   (1u << 17) /* with so many more there is a bit more */
#define RATE_MOST    20000.0	/* samples a second: with more there is a bit more */
#define RATE_LITTLE  5000.0
#define RATE_LOOK_NS NS_PER_S

static void dead_add(struct go_dead *d, const struct dead_object *object)
{
	if (d->count == d->capacity) {
		d->capacity = d->capacity ? d->capacity * 2 : 256;
		d->v = xrealloc(d->v, d->capacity * sizeof(*d->v));
	}
	d->v[d->count++] = *object;
}

void go_dead_move(struct go_dead *to, struct go_dead *from)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		dead_add(to, &from->v[i]);
	from->count = 0;
}

void go_dead_done(struct go_dead *d)
{
	free(d->v);
	*d = (struct go_dead){0};
}

struct go_live *go_live_new(struct loader *loader, struct go_builds *builds, uint32_t number)
{
	struct go_live *l = xcalloc(1, sizeof(*l));

	l->loader = loader;
	l->builds = builds;
	l->number = number;
	l->rate_ns = clock_monotonic_ns();
	l->figures.known = true;
	return l;
}

void go_live_free(struct go_live *l)
{
	if (!l)
		return;
	go_maps_forget(l->loader, l->number);
	go_spans_close(l->spans);
	free(l->v);
	free(l);
}

static bool is_older(const struct live_object *object, uint32_t cycle)
{
	return (int32_t)(cycle - object->cycle) > 0;
}

void go_live_add(struct go_live *l, const struct live_object *object)
{
	if (l->count == l->capacity) {
		l->capacity = l->capacity ? l->capacity * 2 : 1024;
		l->v = xrealloc(l->v, l->capacity * sizeof(*l->v));
	}
	l->v[l->count++] = *object;
	l->rate_count++;
	l->unsettled |= is_older(object, l->cycle);
}

void go_live_forget(struct go_live *l)
{
	l->count = 0;
	l->figures.uncertain = 0;
}

/* ---- thinning ---- */

static void thin(struct go_live *l)
{
	uint64_t now_ns = clock_monotonic_ns();
	double rate = (double)l->rate_count / ((double)(now_ns - l->rate_ns + 1) / NS_PER_S);
	uint32_t bits = (uint32_t)(l->count / TABLE_PART);

	if (now_ns - l->rate_ns >= RATE_LOOK_NS) {
		l->rate_bits += rate > RATE_MOST && l->rate_bits < BITS_MOST;
		l->rate_bits -= rate < RATE_LITTLE && l->rate_bits;
		l->rate_ns = now_ns;
		l->rate_count = 0;
	}
	if (bits < l->rate_bits)
		bits = l->rate_bits;
	bits = bits < BITS_MOST ? bits : BITS_MOST;
	if (bits == l->bits)
		return;
	l->bits = bits;
	l->figures.mean_bytes = bits ? SPAN_BYTES << bits : 0;
	go_maps_thin(l->loader, l->number, l->figures.mean_bytes);
}

/* ---- which are left ---- */

static bool open_spans(struct go_live *l)
{
	uint64_t now_ns = clock_monotonic_ns();
	char why[GO_WHY_MAX];

	if (l->spans)
		return true;
	if (!l->pid || now_ns - l->opened_ns < OPEN_AGAIN_NS)
		return false;
	l->opened_ns = now_ns;
	l->spans = go_spans_open(l->pid, l->builds, why);
	return l->spans != NULL;
}

/* Those from *at on that are to be asked for. */
static size_t collect(const struct go_live *l, size_t *at, struct go_object *asked, size_t *places)
{
	size_t n = 0;

	for (; *at < l->count && n < BATCH; (*at)++) {
		if (!is_older(&l->v[*at], l->cycle))
			continue;
		places[n] = *at;
		asked[n++] = l->v[*at].o;
	}
	return n;
}

static void settle(struct go_live *l, struct live_object *object, enum go_verdict verdict,
		   struct go_dead *dead)
{
	bool missed = l->cycle - object->cycle > CYCLE_STEP;

	if (verdict == GO_ALIVE) {
		l->figures.uncertain += missed && !object->uncertain;
		object->uncertain |= missed;
		object->cycle = l->cycle;
		return;
	}
	l->figures.uncertain -= object->uncertain;
	dead_add(dead, &(struct dead_object){l->number, object->o.address, object->born_ns});
	object->o.address = 0;
}

static void compact(struct go_live *l)
{
	size_t i, n = 0;

	for (i = 0; i < l->count; i++) {
		if (l->v[i].o.address)
			l->v[n++] = l->v[i];
	}
	l->count = n;
}

/* 0, or as go_spans_judge(). *later: so many have no verdict yet. */
static int ask(struct go_live *l, struct go_dead *dead, size_t *later)
{
	struct go_object *asked = xcalloc(BATCH, sizeof(*asked));
	size_t *places = xcalloc(BATCH, sizeof(*places));
	size_t at = 0, n, i;
	int err = 0;

	*later = 0;
	while (!err && (n = collect(l, &at, asked, places))) {
		err = go_spans_judge(l->spans, l->cycle, asked, n);
		for (i = 0; i < n; i++) {
			if (asked[i].verdict == GO_LATER)
				(*later)++;
			else
				settle(l, &l->v[places[i]], asked[i].verdict, dead);
		}
	}
	compact(l);
	free(places);
	free(asked);
	return err;
}

bool go_live_step(struct go_live *l, struct go_dead *dead)
{
	uint32_t cycle;
	size_t later;
	int err;

	thin(l);
	l->figures.samples = l->count;
	if (!l->count || !open_spans(l))
		return false;
	err = go_spans_cycle(l->spans, &cycle);
	if (!err && cycle != l->cycle) {
		l->figures.missed += l->cycle ? (cycle - l->cycle) / CYCLE_STEP - 1 : 0;
		l->figures.missed += l->unsettled;
		l->figures.cycles++;
		l->cycle = cycle;
		l->unsettled = true;
	}
	if (!err && l->unsettled) {
		err = ask(l, dead, &later);
		l->unsettled = later || err;
		l->figures.samples = l->count;
	}
	if (err == -ESRCH) {
		go_spans_close(l->spans);
		l->spans = NULL;
	}
	return l->unsettled && err != -ESRCH;
}
