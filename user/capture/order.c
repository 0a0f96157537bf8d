// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The merge: a tournament between the heads of the rings that have a record, the smallest time wins; rings without one cost nothing but
 * the look at their begin. When the winner's place is taken by the next record of its ring, it plays again against those who have
 * lost on its way up, without a branch: with two processors at work nothing foretells whose event is next. Slots are decoded some
 * at a time, so that a time is there when it is compared. The reasoning is in order.h.
 */
#include "order.h"

#include <errno.h>
#include <stdlib.h>
#include "../base/either.h"

#define AHEAD_BYTES 1024

static uint32_t power_above(size_t count)
{
	uint32_t v = 1;

	while (v < count)
		v *= 2;
	return v;
}

int order_init(struct order *o, struct ring *rings, size_t count)
{
	size_t leaves = power_above(count);

	*o = (struct order){.rings = rings, .ring_count = count};
	o->heads = calloc(leaves, sizeof(*o->heads));
	o->times = calloc(leaves, sizeof(*o->times));
	o->losers = calloc(leaves, sizeof(*o->losers));
	if (o->heads && o->times && o->losers)
		return 0;
	order_done(o);
	return -ENOMEM;
}

void order_done(struct order *o)
{
	free(o->heads);
	free(o->times);
	free(o->losers);
	o->heads = NULL;
	o->times = NULL;
	o->losers = NULL;
}

/* The leaf has another time. Returns the winner. */
static inline uint32_t play_again(struct order *o, uint32_t leaf)
{
	uint64_t time_ns = o->times[leaf];
	uint32_t winner = leaf;

	for (uint32_t node = (leaf + o->leaf_count) / 2; node; node /= 2) {
		uint32_t other = o->losers[node];
		uint64_t lost = o->times[other] < time_ns;

		time_ns = either(lost, o->times[other], time_ns);
		o->losers[node] = (uint32_t)either(lost, winner, other);
		winner = (uint32_t)either(lost, other, winner);
	}
	return winner;
}

/* All below a node. Returns its winner; as deep as the tree. */
static uint32_t play_first(struct order *o, uint32_t node)
{
	uint32_t a, b;

	if (node >= o->leaf_count)
		return node - o->leaf_count;
	a = play_first(o, 2 * node);
	b = play_first(o, 2 * node + 1);
	o->losers[node] = o->times[b] < o->times[a] ? a : b;
	return o->times[b] < o->times[a] ? b : a;
}

/* Reads the head of a ring. False when it has none; a busy one lowers the watermark. */
static bool read_head(struct order *o, struct ring *r, const struct event_header **event)
{
	switch (ring_peek(r, event, &o->bad_count)) {
	case RING_EMPTY: return false;
	case RING_BUSY:
		if (r->last_ns < o->watermark_ns)
			o->watermark_ns = r->last_ns;
		return false;
	case RING_RECORD: break;
	}
	return true;
}

static inline void set_head(struct order *o, uint32_t leaf, const struct event_header *event)
{
	struct order_head *head = &o->heads[leaf];
	uint64_t time_ns = event->time_ns, last_ns = head->ring->last_ns;

	o->late_count += time_ns < last_ns;
	head->ring->last_ns = time_ns < last_ns ? last_ns : time_ns;
	head->event = event;
	o->times[leaf] = time_ns;
}

static void look_at(struct order *o, uint32_t leaf)
{
	const struct event_header *event;

	if (!read_head(o, o->heads[leaf].ring, &event)) {
		o->times[leaf] = UINT64_MAX;
		return;
	}
	if (o->heads[leaf].ring->slots)
		o->heads[leaf].end = ring_records_end(o->heads[leaf].ring);
	set_head(o, leaf, event);
}

void order_begin(struct order *o, uint64_t now_ns)
{
	size_t i, count = 0;

	/* UINT64_MAX is the time of no event */
	o->watermark_ns = now_ns < UINT64_MAX ? now_ns : UINT64_MAX - 1;
	for (i = 0; i < o->ring_count; i++)
		o->rings[i].limit = __atomic_load_n(o->rings[i].producer, __ATOMIC_ACQUIRE);
	for (i = 0; i < o->ring_count; i++) {
		o->heads[count].ring = &o->rings[i];
		look_at(o, (uint32_t)count);
		count += o->times[count] != UINT64_MAX;
	}
	o->leaf_count = count ? power_above(count) : 0;
	for (i = count; i < o->leaf_count; i++)
		o->times[i] = UINT64_MAX;
	if (count)
		o->losers[0] = play_first(o, 1);
}

/* The winner's event is taken, which came in a slot. The next one is its head. */
static inline void advance_slots(struct order *o, uint32_t leaf)
{
	struct order_head *head = &o->heads[leaf];
	const struct event_header *next = ring_record_after(head->event);

	head->ring->position++;
	if (__builtin_expect(next != head->end, 1))
		set_head(o, leaf, next);
	else
		look_at(o, leaf);
}

static void advance_records(struct order *o, uint32_t leaf)
{
	struct order_head *head = &o->heads[leaf];

	/* so far ahead that it is there when its turn comes */
	__builtin_prefetch((const char *)head->event + AHEAD_BYTES);
	ring_advance(head->ring);
	o->buffer_count++;
	look_at(o, leaf);
}

/* From the only ring that has events, which is one of slots. */
static size_t take_run(struct order *o, const struct event_header **events, size_t max)
{
	struct ring *r = o->heads[0].ring;
	const struct event_header *event = o->heads[0].event;
	const struct event_header *end = o->heads[0].end;
	uint64_t last_ns = r->last_ns, late = 0;
	size_t n = 0;

	for (;;) {
		events[n++] = event;
		event = ring_record_after(event);
		if (event == end)
			break;
		late += event->time_ns < last_ns;
		last_ns = event->time_ns < last_ns ? last_ns : event->time_ns;
		if (n == max || event->time_ns > o->watermark_ns)
			break;
	}
	r->position += n;
	r->last_ns = last_ns;
	o->late_count += late;
	o->heads[0].event = event;
	if (event == end)
		look_at(o, 0);
	else
		o->times[0] = event->time_ns;
	return n;
}

size_t order_next(struct order *o, const struct event_header **events, size_t max)
{
	uint32_t winner = o->losers[0];
	size_t n = 0;

	o->buffer_count = 0;
	if (!o->leaf_count)
		return 0;
	while (n < max && o->times[winner] <= o->watermark_ns) {
		if (!o->heads[winner].ring->slots) {
			events[n++] = o->heads[winner].event;
			advance_records(o, winner);
		} else if (o->leaf_count == 1) {
			n += take_run(o, events + n, max - n);
		} else {
			events[n++] = o->heads[winner].event;
			advance_slots(o, winner);
		}
		winner = play_again(o, winner);
	}
	o->losers[0] = winner;
	return n;
}

void order_release(struct order *o)
{
	size_t i;

	for (i = 0; i < o->ring_count; i++)
		ring_release(&o->rings[i]);
}
