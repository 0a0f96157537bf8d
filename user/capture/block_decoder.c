/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Payload of a block -> records. The payload may come from anybody: each column says how long it is, each read is checked against
 * that, and what a record is made of is made here, so that no length in the file becomes one in memory unchecked.
 */
#include "block_coder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "history.h"
#include "pack.h"

struct block_decoder {
	uint8_t *data[RECORDING_COLUMNS]; /* of the columns that were unpacked */
	size_t capacity[RECORDING_COLUMNS];
	struct unpack columns[RECORDING_COLUMNS];
	ZSTD_DCtx *zstd;
	struct coder_context *contexts;
	uint32_t context_count;
	uint32_t *threads;
	uint32_t thread_count;
	struct address_history history;
	uint64_t last_ns;
	bool bad;
};

struct block_decoder *block_decoder_new(void)
{
	struct block_decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->zstd = ZSTD_createDCtx();
	d->contexts = calloc(RECORDING_DICTIONARY + 1, sizeof(*d->contexts));
	d->threads = calloc(RECORDING_DICTIONARY + 1, sizeof(*d->threads));
	d->context_count = d->thread_count = 1;
	if (d->zstd && d->contexts && d->threads)
		return d;
	block_decoder_free(d);
	return NULL;
}

void block_decoder_free(struct block_decoder *d)
{
	size_t i;

	if (!d)
		return;
	for (i = 0; i < RECORDING_COLUMNS; i++)
		free(d->data[i]);
	ZSTD_freeDCtx(d->zstd);
	free(d->contexts);
	free(d->threads);
	free(d);
}

/* ---- columns ---- */

static int unpack_column(struct block_decoder *d, uint64_t c, size_t bytes, const uint8_t *from,
			 size_t packed)
{
	if (packed == bytes) {
		d->columns[c] = (struct unpack){from, from + bytes, false};
		return 0;
	}
	if (d->capacity[c] < bytes) {
		uint8_t *data = realloc(d->data[c], bytes);

		if (!data)
			return -ENOMEM;
		d->data[c] = data;
		d->capacity[c] = bytes;
	}
	if (ZSTD_decompressDCtx(d->zstd, d->data[c], bytes, from, packed) != bytes)
		return -EBADMSG;
	d->columns[c] = (struct unpack){d->data[c], d->data[c] + bytes, false};
	return 0;
}

/* A small piece that claims to be very much larger would cost memory and time: zstd's own bound is looked at first. */
static int unpack_columns(struct block_decoder *d, const uint8_t *payload, size_t bytes)
{
	struct unpack u = {payload, payload + bytes, false};
	uint64_t sum = 0;

	memset(d->columns, 0, sizeof(d->columns));
	while (unpack_left(&u)) {
		uint64_t c = unpack_u64(&u), length = unpack_u64(&u);
		size_t packed;
		const uint8_t *from = unpack_bytes(&u, &packed);
		int err;

		if (u.bad || packed > length || length > RECORDING_COLUMN_MOST)
			return -EBADMSG;
		sum += length;
		if (sum > RECORDING_COLUMN_MOST)
			return -EBADMSG;
		if (c >= RECORDING_COLUMNS)
			continue; /* of a newer writer */
		if (packed < length && ZSTD_getFrameContentSize(from, packed) != length)
			return -EBADMSG;
		err = unpack_column(d, c, (size_t)length, from, packed);
		if (err)
			return err;
	}
	return 0;
}

static inline uint32_t get_byte(struct block_decoder *d, int c)
{
	struct unpack *u = &d->columns[c];

	if (u->at == u->end) {
		d->bad = true;
		return 0;
	}
	return *u->at++;
}

static inline uint64_t get_number(struct block_decoder *d, enum recording_column c)
{
	struct unpack *u = &d->columns[c];
	uint64_t v = unpack_u64(u);

	d->bad |= u->bad;
	return v;
}

static inline uint32_t get_pair(struct block_decoder *d, enum recording_column low)
{
	uint32_t v = get_byte(d, (int)low);

	return v | get_byte(d, (int)low + 1) << 8;
}

/* ---- events ---- */

static inline struct coder_context *get_context(struct block_decoder *d, uint32_t index)
{
	struct coder_context *c = &d->contexts[index];

	if (index < d->context_count)
		return c;
	if (index > d->context_count || index >= RECORDING_DICTIONARY) {
		d->bad = true;
		return &d->contexts[0];
	}
	*c = (struct coder_context){0};
	c->type = (uint8_t)get_byte(d, COLUMN_CONTEXTS);
	c->call = (uint8_t)get_byte(d, COLUMN_CONTEXTS);
	c->process = (uint32_t)get_number(d, COLUMN_CONTEXTS);
	c->flags = (uint32_t)get_number(d, COLUMN_CONTEXTS);
	c->stack = get_number(d, COLUMN_CONTEXTS);
	d->context_count++;
	return c;
}

static inline uint32_t get_thread(struct block_decoder *d)
{
	uint32_t index = get_pair(d, COLUMN_THREAD_LOW);

	if (index < d->thread_count)
		return d->threads[index];
	if (index > d->thread_count || index >= RECORDING_DICTIONARY) {
		d->bad = true;
		return 0;
	}
	d->threads[index] = (uint32_t)get_number(d, COLUMN_THREADS);
	d->thread_count++;
	return d->threads[index];
}

static inline uint64_t get_time(struct block_decoder *d)
{
	uint64_t passed = get_pair(d, COLUMN_TIME_LOW);

	if (passed == RECORDING_TIME_WIDE)
		passed = pack_unzigzag(get_number(d, COLUMN_TIMES));
	d->last_ns += passed;
	return d->last_ns;
}

static inline uint64_t get_address(struct block_decoder *d, struct coder_context *c)
{
	uint32_t ago = get_pair(d, COLUMN_PLACE_LOW);
	uint64_t address;

	if (ago) {
		address = history_at(&d->history, ago);
	} else {
		uint64_t v = get_number(d, COLUMN_ADDRESSES);
		uint64_t difference = pack_unzigzag(v >> 1);

		address = c->last_address + (v & 1 ? difference : difference << 3);
		c->last_address = address;
	}
	history_add(&d->history, address);
	return address;
}

static inline uint64_t get_size(struct block_decoder *d, struct coder_context *c)
{
	c->last_size += pack_unzigzag(get_number(d, COLUMN_SIZES));
	return c->last_size;
}

static inline void fill_head(struct block_decoder *d, struct event_header *h,
			     const struct coder_context *c, size_t size)
{
	*h = (struct event_header){.process = c->process,
				   .tid = get_thread(d),
				   .size = (uint16_t)size,
				   .type = c->type,
				   .call = c->call,
				   .flags = c->flags &
					    ~(RECORDING_CONTEXT_NEW | RECORDING_CONTEXT_OLD)};
	h->time_ns = get_time(d);
}

static size_t get_realloc(struct block_decoder *d, struct coder_context *c, void *out)
{
	struct event_realloc *r = out;

	fill_head(d, &r->h, c, sizeof(*r));
	r->old_address = c->flags & RECORDING_CONTEXT_OLD ? get_address(d, c) : 0;
	r->address = c->flags & RECORDING_CONTEXT_NEW ? get_address(d, c) : 0;
	r->bytes = get_size(d, c);
	r->stack = c->stack;
	r->entry_ns = r->h.time_ns - pack_unzigzag(get_number(d, COLUMN_ENTRIES));
	return sizeof(*r);
}

static inline size_t get_alloc(struct block_decoder *d, struct coder_context *c, void *out)
{
	struct event_alloc *a = out;

	fill_head(d, &a->h, c, sizeof(*a));
	a->address = get_address(d, c);
	a->bytes = get_size(d, c);
	a->stack = c->stack;
	return sizeof(*a);
}

static inline size_t get_free(struct block_decoder *d, struct coder_context *c, void *out)
{
	struct event_free *f = out;

	fill_head(d, &f->h, c, sizeof(*f));
	f->address = get_address(d, c);
	return sizeof(*f);
}

/* Room for any of the three. */
static inline size_t get_event(struct block_decoder *d, uint32_t index, void *out)
{
	struct coder_context *c = get_context(d, index);

	switch (c->type) {
	case EVENT_FREE: return get_free(d, c, out);
	case EVENT_ALLOC:
	case EVENT_RESIZE:
	case EVENT_MMAP: return get_alloc(d, c, out);
	case EVENT_REALLOC: return get_realloc(d, c, out);
	default: d->bad = true; return 0;
	}
}

#define EVENT_MOST sizeof(struct event_realloc)

/* A record of the rest, whole; NULL: bad. */
static const struct event_header *get_rest(struct block_decoder *d)
{
	struct unpack *u = &d->columns[COLUMN_REST];
	struct event_header h;

	if (unpack_left(u) < sizeof(h))
		return NULL;
	memcpy(&h, u->at, sizeof(h));
	if (h.size < sizeof(h) ||
	    (h.type == RECORDING_NOTE_TYPE &&
	     (h.size != sizeof(h) || h.flags > RECORDING_COLUMN_MOST)) ||
	    record_span(&h) > unpack_left(u))
		return NULL;
	u->at += record_span(&h);
	return (const void *)(u->at - record_span(&h));
}

static void reserve(struct buffer *b, size_t bytes)
{
	static const uint8_t nothing[EVENT_MOST * 64];

	while (b->capacity - b->length < bytes) {
		size_t before = b->length;

		/* grows by doubling */
		buffer_add(b, nothing, sizeof(nothing));
		b->length = before;
	}
}

static bool add_rest(struct block_decoder *d, struct buffer *records)
{
	const struct event_header *h = get_rest(d);
	struct event_header head;

	if (!h)
		return false;
	memcpy(&head, h, sizeof(head));
	buffer_add(records, h, record_span(&head));
	return true;
}

static void begin(struct block_decoder *d, const struct block_facts *facts)
{
	d->bad = false;
	if (facts->flags & RECORDING_F_NEW_CONTEXTS)
		d->context_count = 1;
	if (facts->flags & RECORDING_F_NEW_THREADS)
		d->thread_count = 1;
}

int block_decoder_run(struct block_decoder *d, const uint8_t *payload, size_t bytes,
		      const struct block_facts *facts, struct buffer *records)
{
	int err = unpack_columns(d, payload, bytes);

	buffer_reset(records);
	if (err)
		return err;
	begin(d, facts);
	for (uint32_t i = 0; i < facts->events; i++) {
		uint32_t index = get_pair(d, COLUMN_CONTEXT_LOW);

		if (d->bad)
			return -EBADMSG;
		if (!index) {
			if (!add_rest(d, records))
				return -EBADMSG;
			continue;
		}
		reserve(records, EVENT_MOST + 1);
		records->length += get_event(d, index, records->data + records->length);
		if (d->bad)
			return -EBADMSG;
	}
	return 0;
}
