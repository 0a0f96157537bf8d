// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reader of one BPF ring buffer. The layout is the kernel's interface
 * (Documentation/bpf/ringbuf.rst): a page with the consumer position, which is ours to write, a
 * page with the producer position, and the data, mapped twice. Each record has an eight-byte header
 * whose first word is the length with a busy and a discard bit.
 *
 * Memory order: the producer position and a record's length are loaded with acquire, as the kernel
 * publishes them with release after the contents; the consumer position is stored with release, so
 * that the kernel does not overwrite what is being read.
 */
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define RING_HEADER_BYTES 8u
#define RING_BUSY_BIT	  (1u << 31)
#define RING_DISCARD_BIT  (1u << 30)

int ring_open(struct ring *r, int map_fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *shared;

	r->consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (r->consumer == MAP_FAILED) {
		r->consumer = NULL;
		return -errno;
	}
	shared = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, map_fd, (off_t)page);
	if (shared == MAP_FAILED) {
		int err = -errno;

		munmap(r->consumer, page);
		r->consumer = NULL;
		return err;
	}
	r->producer = (const unsigned long *)(const void *)shared;
	r->data = shared + page;
	r->size = size;
	r->slots = NULL;
	r->position = r->limit = *r->consumer;
	r->last_ns = 0;
	return 0;
}

void ring_close(struct ring *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!r->consumer)
		return;
	if (!r->slots) {
		munmap(r->consumer, page);
		munmap((void *)(uintptr_t)r->producer, page + 2 * r->size);
	}
	r->consumer = NULL;
}

static size_t record_span(uint32_t length)
{
	return (RING_HEADER_BYTES + (size_t)(length & ~(RING_BUSY_BIT | RING_DISCARD_BIT)) + 7) &
	       ~(size_t)7;
}

static uint32_t record_length(const struct ring *r)
{
	const uint8_t *at = r->data + (r->position & (r->size - 1));

	return __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

static size_t page_round(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) & ~(page - 1);
}

/* NULL and errno on failure. */
static void *map_array(int fd, size_t bytes, int protection)
{
	void *at = mmap(NULL, page_round(bytes), protection, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

int slot_rings_open(struct slot_rings *s, int rings_fd, int slots_fd, size_t cpus,
		    size_t slot_count)
{
	int err;

	*s = (struct slot_rings){.cpus = cpus, .slot_count = slot_count};
	s->rings = map_array(rings_fd, cpus * sizeof(*s->rings), PROT_READ | PROT_WRITE);
	if (s->rings)
		s->slots = map_array(slots_fd, cpus * slot_count * sizeof(*s->slots), PROT_READ);
	if (s->slots)
		s->records = calloc(cpus * RING_RECORDS, sizeof(*s->records));
	if (s->records)
		return 0;
	err = -errno;
	slot_rings_close(s);
	return err;
}

void slot_rings_close(struct slot_rings *s)
{
	if (s->rings)
		munmap(s->rings, page_round(s->cpus * sizeof(*s->rings)));
	if (s->slots)
		munmap(s->slots, page_round(s->cpus * s->slot_count * sizeof(*s->slots)));
	free(s->records);
	*s = (struct slot_rings){0};
}

void ring_of_slots(struct ring *r, const struct slot_rings *s, size_t cpu)
{
	struct slot_ring *shared = &s->rings[cpu];

	*r = (struct ring){
		.consumer = (unsigned long *)(void *)&shared->released,
		.producer = (const unsigned long *)(const void *)&shared->taken,
		.slots = s->slots + cpu * s->slot_count,
		.records = s->records + cpu * RING_RECORDS,
		.size = s->slot_count,
		.slot_bits = (unsigned)__builtin_ctzl(s->slot_count),
	};
	r->position = r->decoded = r->limit = *r->consumer;
}

double ring_fill(const struct ring *r)
{
	return (double)(r->limit - r->position) / (double)r->size;
}

double ring_fill_now(const struct ring *r)
{
	unsigned long limit = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);

	return (double)(limit - r->position) / (double)r->size;
}

static enum ring_state slot_peek(struct ring *r, const struct event_header **event)
{
	if (r->position >= r->limit)
		return RING_EMPTY;
	if (r->position >= r->decoded && !ring_decode_ahead(r))
		return RING_BUSY;
	*event = ring_record(r, r->position);
	return RING_RECORD;
}

enum ring_state ring_peek(struct ring *r, const struct event_header **event, uint64_t *bad)
{
	if (r->slots)
		return slot_peek(r, event);
	while (r->position < r->limit) {
		uint32_t length = record_length(r);
		const struct event_header *e;

		if (length & RING_BUSY_BIT)
			return RING_BUSY;
		e = (const void *)(r->data + (r->position & (r->size - 1)) + RING_HEADER_BYTES);
		if (!(length & RING_DISCARD_BIT)) {
			if (length >= sizeof(*e) && e->size >= sizeof(*e) && e->size <= length) {
				*event = e;
				return RING_RECORD;
			}
			++*bad;
		}
		r->position += record_span(length);
	}
	return RING_EMPTY;
}

void ring_advance(struct ring *r)
{
	r->position += r->slots ? 1 : record_span(record_length(r));
}

void ring_release(struct ring *r)
{
	__atomic_store_n(r->consumer, r->position, __ATOMIC_RELEASE);
}
