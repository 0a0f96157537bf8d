/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program is a set of slots, each at an address of its own: live ones in one array, free ones in another, so that one
 * of either can be drawn at random. Every random number comes from the seed: the same options make the same events.
 */
#include "workload.h"
#include "recorded.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../include/calls.h"
#include "../../include/event.h"

#define HEAP_START     0x555500000000ull
#define HEAP_STEP      48u
#define NS_PER_EVENT   200u /* on average: a few CPUs that allocate at full speed under tracing */
#define HANDOFF_BLOCKS 1000u
#define FRAMES	       18u
#define FIRST_TID      1000u
#define RECORD_HEADER  8u
#define PIECE_SWEEPS   (2 * PIECE_EVENTS / SWEEP_EVENTS + 2)

struct workload {
	struct workload_options o;
	struct recorded *recorded; /* NULL: made up */
	uint64_t recorded_count;   /* events so far */
	uint64_t random, now_ns;
	uint32_t *live, *free; /* slots; live is a queue for HANDOFF, else a set */
	uint64_t live_count, free_count, live_first, slot_count;
	uint8_t *stack_sent; /* of each site */
	uint8_t *data[RINGS_MAX];
	unsigned long used[RINGS_MAX];
	struct sweep sweeps[PIECE_SWEEPS];
	size_t sweep_count, in_sweep;
};

/* Shared, so that the private memory of the process is the tables' alone. */
static void *get(size_t bytes)
{
	void *v = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (v == MAP_FAILED) {
		perror("consume: cannot get memory");
		exit(1);
	}
	return v;
}

static uint64_t draw(struct workload *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (w->random >> 16) % below;
}

static uint64_t slots_of(const struct workload_options *o)
{
	return o->blocks + o->blocks / 4 + 2 * HANDOFF_BLOCKS;
}

struct workload *workload_new(const struct workload_options *options)
{
	struct workload *w = get(sizeof(*w));
	size_t i;

	w->o = *options;
	w->random = options->seed * 0x9e3779b97f4a7c15ull + 1;
	w->now_ns = 1000000000;
	if (options->kind == RECORDED)
		w->recorded = recorded_open(options->recording);
	w->slot_count = slots_of(options);
	w->live = get(w->slot_count * sizeof(*w->live));
	w->free = get(w->slot_count * sizeof(*w->free));
	w->stack_sent = get(options->sites);
	for (i = 0; i < workload_rings(w); i++)
		w->data[i] = get(RING_BYTES);
	/* in the order of a heap that grows, which later events mix up */
	w->free_count = w->slot_count;
	for (i = 0; i < w->slot_count; i++)
		w->free[i] = (uint32_t)(w->slot_count - 1 - i);
	return w;
}

void workload_free(struct workload *w)
{
	size_t i;

	if (w->recorded)
		recorded_close(w->recorded);
	munmap(w->live, w->slot_count * sizeof(*w->live));
	munmap(w->free, w->slot_count * sizeof(*w->free));
	munmap(w->stack_sent, w->o.sites);
	for (i = 0; i < workload_rings(w); i++)
		munmap(w->data[i], RING_BYTES);
	munmap(w, sizeof(*w));
}

size_t workload_rings(const struct workload *w)
{
	return 2 * (size_t)w->o.cpus;
}

const uint8_t *workload_ring(const struct workload *w, size_t ring)
{
	return w->data[ring];
}

size_t workload_sweeps(const struct workload *w, const struct sweep **sweeps)
{
	*sweeps = w->sweeps;
	return w->sweep_count;
}

/* The space of a record in a ring. */
static void *get_record(struct workload *w, size_t ring, size_t size)
{
	uint8_t *at = w->data[ring] + w->used[ring];
	const uint32_t header[2] = {(uint32_t)size, 0};

	memcpy(at, header, sizeof(header));
	w->used[ring] += (RECORD_HEADER + size + 7) & ~7ul;
	w->in_sweep++;
	return at + RECORD_HEADER;
}

/* A record with its header. */
static void *put(struct workload *w, size_t ring, uint32_t tid, uint8_t type, uint8_t call,
		 size_t size)
{
	struct event_header *h = get_record(w, ring, size);

	w->now_ns += 1 + draw(w, 2 * NS_PER_EVENT - 1);
	memset(h, 0, sizeof(*h));
	h->time_ns = w->now_ns;
	h->process = 1;
	h->tid = FIRST_TID + tid;
	h->size = (uint16_t)size;
	h->type = type;
	h->call = call;
	return h;
}

static void end_sweep(struct workload *w)
{
	struct sweep *s = &w->sweeps[w->sweep_count++];

	s->until_ns = w->now_ns;
	s->events = w->in_sweep;
	memcpy(s->ends, w->used, sizeof(s->ends));
	w->in_sweep = 0;
}

static size_t slots_of_thread(const struct workload *w, uint32_t tid)
{
	return tid % w->o.cpus;
}

static size_t buffer_of_thread(const struct workload *w, uint32_t tid)
{
	return w->o.cpus + tid % w->o.cpus;
}

/* A piece begins at the start of its rings: all is in the first lap. */
static void write_slot(struct workload *w, size_t ring, const struct event_alloc *e)
{
	struct event_slot *slot = (struct event_slot *)(void *)w->data[ring] + w->used[ring]++;
	uint64_t kind = e->h.type == EVENT_FREE ? SLOT_FREE : 0;

	slot->when = w->now_ns | (uint64_t)e->h.call << SLOT_TIME_BITS;
	slot->stack = e->stack;
	slot->size = e->bytes | (uint64_t)e->h.tid << SLOT_BYTES_BITS;
	slot->what = e->address | (uint64_t)e->h.process << SLOT_ADDRESS_BITS | kind |
		     1ull << SLOT_LAP_SHIFT;
	w->in_sweep++;
}

static void put_slot(struct workload *w, uint32_t tid, struct event_alloc *e)
{
	w->now_ns += 1 + draw(w, 2 * NS_PER_EVENT - 1);
	e->h.process = 1;
	e->h.tid = FIRST_TID + tid;
	write_slot(w, slots_of_thread(w, tid), e);
}

static bool fits_slot(const struct event_alloc *e)
{
	return !(e->address >> SLOT_ADDRESS_BITS || e->bytes >> SLOT_BYTES_BITS ||
		 e->h.process >> SLOT_PROCESS_BITS || e->h.tid >> (64 - SLOT_BYTES_BITS));
}

/* As the kernel side would have sent it. In its place: where times are the same or late, a nanosecond after the one before. */
static void put_recorded(struct workload *w, const struct event_header *h)
{
	struct event_alloc e = {.h = *h};
	struct event_header *record;

	w->now_ns = h->time_ns > w->now_ns ? h->time_ns : w->now_ns + 1;
	if (h->type == EVENT_ALLOC || h->type == EVENT_FREE) {
		memcpy(&e, h, h->type == EVENT_ALLOC ? sizeof(e) : sizeof(struct event_free));
		if (fits_slot(&e)) {
			write_slot(w, 0, &e);
			return;
		}
	}
	record = memcpy(get_record(w, w->o.cpus, h->size), h, h->size);
	record->time_ns = w->now_ns;
}

static uint64_t draw_stack(struct workload *w, uint32_t tid)
{
	uint32_t site = (uint32_t)draw(w, w->o.sites), i;
	uint64_t id = (site + 1) * 0xd6e8feb86659fd93ull;
	struct event_stack *e;

	if (w->stack_sent[site])
		return id;
	w->stack_sent[site] = 1;
	e = put(w, buffer_of_thread(w, tid), tid, EVENT_STACK, 0,
		sizeof(*e) + FRAMES * sizeof(e->pcs[0]));
	e->id = id;
	e->frame_count = FRAMES;
	e->pad = 0;
	for (i = 0; i < FRAMES; i++)
		e->pcs[i] = 0x400000 + site * 64ull + i * 4096ull;
	return id;
}

static uint64_t address_of(uint32_t slot)
{
	return HEAP_START + (uint64_t)slot * HEAP_STEP;
}

static uint64_t draw_bytes(struct workload *w)
{
	return 1 + draw(w, 8ull << draw(w, 10));
}

/* A slot that becomes live. One drawn from all free ones, or the one freed last. */
static uint32_t take_free(struct workload *w, bool any)
{
	uint64_t i = any ? draw(w, w->free_count) : w->free_count - 1;
	uint32_t slot = w->free[i];

	w->free[i] = w->free[--w->free_count];
	w->live[(w->live_first + w->live_count++) % w->slot_count] = slot;
	return slot;
}

static uint32_t take_live(struct workload *w, uint64_t i)
{
	uint32_t *at = &w->live[(w->live_first + i) % w->slot_count];
	uint32_t slot = *at;

	*at = w->live[(w->live_first + --w->live_count) % w->slot_count];
	return slot;
}

static void put_alloc(struct workload *w, uint32_t tid, uint32_t slot)
{
	uint64_t stack = draw_stack(w, tid), bytes = draw_bytes(w);

	put_slot(w, tid,
		 &(struct event_alloc){.h = {.type = EVENT_ALLOC, .call = CALL_ID_MALLOC},
				       .address = address_of(slot),
				       .bytes = bytes,
				       .stack = stack});
}

static void put_free(struct workload *w, uint32_t tid, uint32_t slot)
{
	put_slot(w, tid,
		 &(struct event_alloc){.h = {.type = EVENT_FREE, .call = CALL_ID_FREE},
				       .address = address_of(slot)});
	w->free[w->free_count++] = slot;
}

static void put_realloc(struct workload *w, uint32_t tid)
{
	uint32_t old = take_live(w, draw(w, w->live_count)), slot = take_free(w, true);
	uint64_t stack = draw_stack(w, tid), bytes = draw_bytes(w);
	struct event_realloc *e =
		put(w, buffer_of_thread(w, tid), tid, EVENT_REALLOC, CALL_ID_REALLOC, sizeof(*e));

	e->address = address_of(slot);
	e->bytes = bytes;
	e->stack = stack;
	e->old_address = address_of(old);
	e->entry_ns = e->h.time_ns - 1;
	w->free[w->free_count++] = old;
}

static void step_random(struct workload *w, uint32_t tid)
{
	/* around the wanted number, never far off */
	uint64_t slack = w->o.blocks / 100 + 1;
	bool add = w->live_count + slack < w->o.blocks ||
		   (w->live_count < w->o.blocks + slack && draw(w, 2));

	if (add)
		put_alloc(w, tid, take_free(w, true));
	else
		put_free(w, tid, take_live(w, draw(w, w->live_count)));
}

static void step_pair(struct workload *w, uint32_t tid)
{
	uint32_t slot = take_free(w, false);

	put_alloc(w, tid, slot);
	put_free(w, tid, take_live(w, w->live_count - 1));
}

static void step_handoff(struct workload *w, uint32_t tid)
{
	uint32_t slot;

	put_alloc(w, tid, take_free(w, true));
	if (w->live_count < w->o.blocks + HANDOFF_BLOCKS)
		return;
	/* first in, first out */
	slot = w->live[w->live_first];
	w->live_first = (w->live_first + 1) % w->slot_count;
	w->live_count--;
	put_free(w, tid + 1, slot);
}

static void step(struct workload *w)
{
	uint32_t tid = (uint32_t)draw(w, w->o.threads);

	switch (w->o.kind) {
	case RANDOM: step_random(w, tid); break;
	case REALLOC: draw(w, 3) ? step_random(w, tid) : put_realloc(w, tid); break;
	case PAIRS: step_pair(w, tid); break;
	case HANDOFF: step_handoff(w, tid); break;
	case RECORDED: break;
	}
}

static void begin_piece(struct workload *w)
{
	memset(w->used, 0, sizeof(w->used));
	w->sweep_count = 0;
}

size_t workload_processes(const struct workload *w, const uint32_t **numbers)
{
	static const uint32_t one = 1;

	if (w->recorded)
		return recorded_processes(w->recorded, numbers);
	*numbers = &one;
	return 1;
}

static bool has_room(const struct workload *w)
{
	return w->used[w->o.cpus] + RECORD_HEADER + UINT16_MAX < RING_BYTES;
}

static size_t piece_of_recording(struct workload *w, uint64_t events)
{
	const struct event_header *e;
	size_t n = 0;

	begin_piece(w);
	while (n < events && n < PIECE_EVENTS && has_room(w) && (e = recorded_next(w->recorded))) {
		put_recorded(w, e);
		n++;
		if (w->in_sweep >= SWEEP_EVENTS)
			end_sweep(w);
	}
	if (w->in_sweep)
		end_sweep(w);
	w->recorded_count += n;
	return n;
}

size_t workload_start(struct workload *w)
{
	size_t n = 0;

	if (w->recorded)
		return piece_of_recording(w, recorded_start(w->recorded) - w->recorded_count);
	begin_piece(w);
	for (; n < PIECE_EVENTS && w->live_count < w->o.blocks; n++) {
		uint32_t tid = (uint32_t)draw(w, w->o.threads);

		put_alloc(w, tid, take_free(w, false));
		if (w->in_sweep >= SWEEP_EVENTS)
			end_sweep(w);
	}
	if (w->in_sweep)
		end_sweep(w);
	return n;
}

size_t workload_run(struct workload *w, size_t events)
{
	size_t n = 0;

	if (w->recorded)
		return piece_of_recording(w, events);
	begin_piece(w);
	while (n + w->in_sweep < events) {
		step(w);
		if (w->in_sweep < SWEEP_EVENTS)
			continue;
		n += w->in_sweep;
		end_sweep(w);
	}
	n += w->in_sweep;
	if (w->in_sweep)
		end_sweep(w);
	return n;
}
