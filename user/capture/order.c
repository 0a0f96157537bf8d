// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The merge: a binary heap over the heads of the rings that have a record; the others cost nothing but the look at their
 * begin. Records are taken in runs: from the ring with the smallest time until its time passes that of every other ring.
 * The reasoning is in order.h.
 */
#include "order.h"

#include <errno.h>
#include <stdlib.h>

#define AHEAD_BYTES 1024
#define AHEAD_SLOTS (AHEAD_BYTES / sizeof(struct event_slot))

int order_init(struct order *o, struct ring *rings, size_t count)
{
	*o = (struct order){.rings = rings, .ring_count = count};
	o->heads = calloc(count ? count : 1, sizeof(*o->heads));
	return o->heads ? 0 : -ENOMEM;
}

void order_done(struct order *o)
{
	free(o->heads);
	o->heads = NULL;
}

static void sift_down(struct order *o, size_t i)
{
	struct order_head moving;

	if (2 * i + 1 >= o->head_count)
		return;
	moving = o->heads[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= o->head_count)
			break;
		if (child + 1 < o->head_count &&
		    o->heads[child + 1].time_ns < o->heads[child].time_ns)
			child++;
		if (moving.time_ns <= o->heads[child].time_ns)
			break;
		o->heads[i] = o->heads[child];
		i = child;
	}
	o->heads[i] = moving;
}

/* Reads the head of a ring. False when it has none; a busy one lowers the watermark. */
static bool read_head(struct order *o, uint32_t index, struct order_head *head)
{
	struct ring *r = &o->rings[index];
	const struct event_header *event;

	switch (ring_peek(r, &event, &o->bad_count)) {
	case RING_EMPTY: return false;
	case RING_BUSY:
		if (r->last_ns < o->watermark_ns)
			o->watermark_ns = r->last_ns;
		return false;
	case RING_RECORD: break;
	}
	*head = (struct order_head){.time_ns = event->time_ns, .event = event, .ring = index};
	if (event->time_ns < r->last_ns)
		o->late_count++;
	else
		r->last_ns = event->time_ns;
	return true;
}

void order_begin(struct order *o, uint64_t now_ns)
{
	size_t i;

	o->watermark_ns = now_ns;
	o->head_count = 0;
	for (i = 0; i < o->ring_count; i++)
		o->rings[i].limit = __atomic_load_n(o->rings[i].producer, __ATOMIC_ACQUIRE);
	for (i = 0; i < o->ring_count; i++) {
		if (read_head(o, (uint32_t)i, &o->heads[o->head_count]))
			o->head_count++;
	}
	for (i = o->head_count / 2; i-- > 0;)
		sift_down(o, i);
}

/* Until when the ring on top has the smallest time. */
static uint64_t top_until(const struct order *o)
{
	uint64_t until = o->watermark_ns;

	for (size_t i = 1; i <= 2 && i < o->head_count; i++)
		until = o->heads[i].time_ns < until ? o->heads[i].time_ns : until;
	return until;
}

/* The next record is not there, or was not when it was looked at just now. */
static void look_again(struct order *o, struct order_head *top)
{
	if (!read_head(o, top->ring, top))
		*top = o->heads[--o->head_count];
}

/* From the ring on top, which is one of slots: nearly all events come this way. */
static size_t take_slots(struct order *o, const struct event_header **events, size_t max,
			 uint64_t until)
{
	struct order_head *top = &o->heads[0];
	struct ring *shared = &o->rings[top->ring];
	struct ring r = *shared; /* a copy: it does not change with what is written to records */
	const struct event_header *event = top->event;
	uint64_t last = r.last_ns, late = 0;
	size_t n = 0;

	do {
		events[n++] = event;
		__builtin_prefetch(&r.slots[(r.position + AHEAD_SLOTS) & (r.size - 1)]);
		event = ++r.position < r.limit ? ring_slot(&r, r.position) : NULL;
		if (!event)
			break;
		late += event->time_ns < last;
		last = event->time_ns < last ? last : event->time_ns;
	} while (n < max && event->time_ns <= until);
	shared->position = r.position;
	shared->last_ns = last;
	o->late_count += late;
	if (event)
		*top = (struct order_head){event->time_ns, event, top->ring};
	else
		look_again(o, top);
	return n;
}

static size_t take_records(struct order *o, const struct event_header **events, size_t max,
			   uint64_t until)
{
	struct order_head *top = &o->heads[0];
	struct ring *r = &o->rings[top->ring];
	size_t n = 0;

	do {
		/* so far ahead that it is there when its turn comes */
		__builtin_prefetch((const char *)top->event + AHEAD_BYTES);
		events[n++] = top->event;
		ring_advance(r);
		if (!read_head(o, top->ring, top)) {
			*top = o->heads[--o->head_count];
			break;
		}
	} while (n < max && top->time_ns <= until);
	o->buffer_count += n;
	return n;
}

/* From the ring on top, whose time is not after the watermark. */
static size_t take_run(struct order *o, const struct event_header **events, size_t max)
{
	uint64_t until = top_until(o);
	size_t n = o->rings[o->heads[0].ring].slots ? take_slots(o, events, max, until)
						    : take_records(o, events, max, until);

	sift_down(o, 0);
	return n;
}

size_t order_next(struct order *o, const struct event_header **events, size_t max)
{
	size_t n = 0;

	o->buffer_count = 0;
	while (n < max && o->head_count && o->heads[0].time_ns <= o->watermark_ns)
		n += take_run(o, events + n, max - n);
	return n;
}

void order_release(struct order *o)
{
	size_t i;

	for (i = 0; i < o->ring_count; i++)
		ring_release(&o->rings[i]);
}
