/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The per-CPU rings as the kernel side shares them: records are read where they lie. There are two kinds: the kernel's
 * own ring buffers, and rings of slots (bpf/slot_ring.bpf.h) for the events that are most. One thread at a time.
 */
#ifndef CAPTURE_RING_H
#define CAPTURE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "../../include/event.h"

/* Positions count bytes, of rings of slots slots. */
struct ring {
	unsigned long *consumer;       /* shared: up to where we have read */
	const unsigned long *producer; /* shared: up to where the kernel side has written */
	const uint8_t *data; /* mapped twice in a row, so that every record is in one piece */
	const struct event_slot *slots; /* of a ring of slots; else NULL */
	struct event_alloc
		*records;	/* the last RING_RECORDS slots that were looked at, as records */
	unsigned long decoded;	/* slots before that one are among them */
	size_t size;		/* a power of two */
	unsigned slot_bits;	/* log2 of it, when there are slots */
	unsigned long position; /* of the next record, not yet given back */
	unsigned long limit;	/* producer position at the start of the sweep */
	uint64_t last_ns;	/* time of the newest record read */
};

/* Records of a ring of slots: some are decoded ahead, the others can be in use at once. */
#define RING_RECORDS 512u
#define RING_AHEAD   32u

/* What all rings of slots lie in. */
struct slot_rings {
	struct slot_ring *rings; /* one for each CPU */
	struct event_slot *slots;
	struct event_alloc *records;
	size_t cpus, slot_count; /* each */
};

/* 0 or -errno. size: of the ring map, bytes. */
int ring_open(struct ring *r, int map_fd, size_t size);
void ring_close(struct ring *r);

/* 0 or -errno. The maps hold `cpus` rings with slot_count (a power of two) slots each. */
int slot_rings_open(struct slot_rings *s, int rings_fd, int slots_fd, size_t cpus,
		    size_t slot_count);
void slot_rings_close(struct slot_rings *s);
/* The ring of one CPU; borrows. */
void ring_of_slots(struct ring *r, const struct slot_rings *s, size_t cpu);

enum ring_state { RING_EMPTY, RING_BUSY, RING_RECORD };
/* What is written and not yet read: a share of the ring, 0 to 1. */
double ring_fill(const struct ring *r);
/* The same as of now, not of the start of the sweep. */
double ring_fill_now(const struct ring *r);
/*
 * The record at the read position, skipping discarded ones. RING_BUSY: it is reserved and still
 * being written, so nothing behind it can be read yet. Records whose length is impossible are
 * skipped and counted in *bad.
 */
enum ring_state ring_peek(struct ring *r, const struct event_header **event, uint64_t *bad);
void ring_advance(struct ring *r);
/* Gives everything that was read back to the kernel. */
void ring_release(struct ring *r);

#define RING_LOW_BITS(word, bits) ((word) & ((1ull << (bits)) - 1))

/* Size, type and call of a record as one word. */
#define KIND_OFFSET	offsetof(struct event_header, size)
#define KIND_CALL_SHIFT 24
_Static_assert(offsetof(struct event_header, call) == KIND_OFFSET + 3 &&
		       __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "the call is the highest byte");

static inline uint32_t kind_of(const struct event_header *h)
{
	uint32_t kind;

	memcpy(&kind, (const uint8_t *)h + KIND_OFFSET, sizeof(kind));
	return kind;
}

/* Nothing foretells whether it is an allocation or a free: so without a branch that depends on it. */
static inline void ring_decode(struct event_alloc *e, const struct event_slot *slot, uint64_t what)
{
	const struct event_header alloc = {.size = sizeof(struct event_alloc), .type = EVENT_ALLOC};
	const struct event_header free = {.size = sizeof(struct event_free), .type = EVENT_FREE};
	uint32_t is_free = (what & SLOT_FREE) != 0, kind = kind_of(&alloc);

	e->h.time_ns = RING_LOW_BITS(slot->when, SLOT_TIME_BITS);
	e->h.process = (uint32_t)RING_LOW_BITS(what >> SLOT_ADDRESS_BITS, SLOT_PROCESS_BITS);
	e->h.tid = (uint32_t)(slot->size >> SLOT_BYTES_BITS);
	kind += (kind_of(&free) - kind) & -is_free;
	kind |= (uint32_t)(slot->when >> SLOT_TIME_BITS) << KIND_CALL_SHIFT;
	memcpy((uint8_t *)&e->h + KIND_OFFSET, &kind, sizeof(kind));
	e->address = RING_LOW_BITS(what, SLOT_ADDRESS_BITS);
	e->bytes = RING_LOW_BITS(slot->size, SLOT_BYTES_BITS);
	e->stack = slot->stack;
}

/*
 * Decodes the next slots, up to the limit or to one that is still being written. The word that completes a slot is written last, with a
 * release as all stores of x86. False: there is none.
 */
static inline bool ring_decode_ahead(struct ring *r)
{
	const struct event_slot *slots = r->slots;
	struct event_alloc *records = r->records;
	unsigned long at = r->decoded, end = at + RING_AHEAD;
	size_t mask = r->size - 1;
	unsigned bits = r->slot_bits;

	end = end < r->limit ? end : r->limit;
	for (; at < end; at++) {
		const struct event_slot *slot = &slots[at & mask];
		uint64_t what = __atomic_load_n(&slot->what, __ATOMIC_ACQUIRE);

		if (what >> SLOT_LAP_SHIFT != ((at >> bits) + 1) % SLOT_LAPS)
			break;
		__builtin_prefetch(&slots[(at + RING_AHEAD) & mask]);
		ring_decode(&records[at % RING_RECORDS], slot, what);
	}
	if (at == r->decoded)
		return false;
	r->decoded = at;
	return true;
}

/* The record of a slot that was decoded. */
static inline const struct event_header *ring_record(const struct ring *r, unsigned long position)
{
	return &r->records[position % RING_RECORDS].h;
}

/* Behind the decoded records that lie in a row from the read position on. */
static inline const struct event_header *ring_records_end(const struct ring *r)
{
	unsigned long row = RING_RECORDS - r->position % RING_RECORDS,
		      ahead = r->decoded - r->position;

	return &r->records[r->position % RING_RECORDS + (ahead < row ? ahead : row)].h;
}

static inline const struct event_header *ring_record_after(const struct event_header *e)
{
	return &((const struct event_alloc *)(const void *)e + 1)->h;
}

#endif /* CAPTURE_RING_H */
