/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records -> columns -> payload of a block. What the columns are is in format.h. This runs in the recorder's own thread, so that the
 * consumer only copies records.
 *
 * Invariant: whatever is learned from a record here, the decoder learns from its columns: dictionaries, last addresses and sizes,
 * the history of addresses.
 */
#include "block_coder.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "history.h"
#include "pack.h"

#define LEVEL	      1
#define SLOTS	      (1u << 17) /* of a dictionary's index, and of that of the history */
#define SMALL_BYTES   32u	 /* a column of less is not worth packing */
#define RECORD_LEAST  sizeof(struct event_header)
#define DICTIONARY_OK (RECORDING_DICTIONARY - 8192u) /* at the start of a block */

struct column {
	uint8_t *data;
	size_t length, capacity;
};

struct block_encoder {
	struct column columns[RECORDING_COLUMNS];
	ZSTD_CCtx *zstd;
	struct buffer packed;
	struct coder_context *contexts;
	uint32_t *context_slots; /* hash -> entry; 0: none */
	uint32_t context_count;
	uint32_t *threads;
	uint32_t *thread_slots;
	uint32_t thread_count, last_thread;
	struct address_history history;
	uint32_t *recent; /* hash of an address -> its place in the history */
	uint64_t last_ns;
};

struct block_encoder *block_encoder_new(void)
{
	struct block_encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->zstd = ZSTD_createCCtx();
	e->contexts = calloc(RECORDING_DICTIONARY, sizeof(*e->contexts));
	e->context_slots = calloc(SLOTS, sizeof(*e->context_slots));
	e->threads = calloc(RECORDING_DICTIONARY, sizeof(*e->threads));
	e->thread_slots = calloc(SLOTS, sizeof(*e->thread_slots));
	e->recent = calloc(SLOTS, sizeof(*e->recent));
	e->context_count = e->thread_count = 1;
	if (e->zstd && e->contexts && e->context_slots && e->threads && e->thread_slots &&
	    e->recent)
		return e;
	block_encoder_free(e);
	return NULL;
}

void block_encoder_free(struct block_encoder *e)
{
	size_t i;

	if (!e)
		return;
	for (i = 0; i < RECORDING_COLUMNS; i++)
		free(e->columns[i].data);
	ZSTD_freeCCtx(e->zstd);
	buffer_done(&e->packed);
	free(e->contexts);
	free(e->context_slots);
	free(e->threads);
	free(e->thread_slots);
	free(e->recent);
	free(e);
}

/* ---- columns ---- */

static inline void put_byte(struct block_encoder *e, enum recording_column c, uint32_t byte)
{
	e->columns[c].data[e->columns[c].length++] = (uint8_t)byte;
}

static inline void put_number(struct block_encoder *e, enum recording_column c, uint64_t v)
{
	struct column *column = &e->columns[c];

	column->length += pack_put(column->data + column->length, v);
}

static inline void put_pair(struct block_encoder *e, enum recording_column low, uint32_t v)
{
	put_byte(e, low, v & 0xff);
	put_byte(e, (enum recording_column)(low + 1), v >> 8);
}

static bool reserve(struct block_encoder *e, enum recording_column c, size_t bytes)
{
	struct column *column = &e->columns[c];
	uint8_t *data;

	column->length = 0;
	if (column->capacity >= bytes)
		return true;
	data = realloc(column->data, bytes);
	if (!data)
		return false;
	column->data = data;
	column->capacity = bytes;
	return true;
}

/* The most that so many records can need. */
static bool reserve_all(struct block_encoder *e, size_t records, size_t bytes)
{
	static const uint8_t most[RECORDING_COLUMNS] = {
		[COLUMN_CONTEXT_LOW] = 1, [COLUMN_CONTEXT_HIGH] = 1, [COLUMN_CONTEXTS] = 28,
		[COLUMN_THREAD_LOW] = 1,  [COLUMN_THREAD_HIGH] = 1,  [COLUMN_THREADS] = 5,
		[COLUMN_TIME_LOW] = 1,	  [COLUMN_TIME_HIGH] = 1,    [COLUMN_TIMES] = 10,
		[COLUMN_PLACE_LOW] = 2,	  [COLUMN_PLACE_HIGH] = 2,   [COLUMN_ADDRESSES] = 20,
		[COLUMN_SIZES] = 10,	  [COLUMN_ENTRIES] = 10,
	};
	int c;

	for (c = 0; c < RECORDING_COLUMNS; c++) {
		size_t room = c == COLUMN_REST ? bytes : records * most[c];

		if (!reserve(e, (enum recording_column)c, room))
			return false;
	}
	return true;
}

/* ---- dictionaries ---- */

static inline uint32_t slot_of(uint64_t v)
{
	return (uint32_t)((v * 0x9e3779b97f4a7c15ull) >> (64 - 17));
}

static void forget_contexts(struct block_encoder *e)
{
	memset(e->context_slots, 0, SLOTS * sizeof(*e->context_slots));
	e->context_count = 1;
}

static void forget_threads(struct block_encoder *e)
{
	memset(e->thread_slots, 0, SLOTS * sizeof(*e->thread_slots));
	e->thread_count = 1;
	e->last_thread = 0;
}

static bool same_context(const struct coder_context *a, const struct coder_context *b)
{
	return a->stack == b->stack && a->process == b->process && a->flags == b->flags &&
	       a->type == b->type && a->call == b->call;
}

static uint32_t add_context(struct block_encoder *e, uint32_t slot,
			    const struct coder_context *like)
{
	struct coder_context *c = &e->contexts[e->context_count];

	*c = *like;
	e->context_slots[slot] = e->context_count;
	put_byte(e, COLUMN_CONTEXTS, like->type);
	put_byte(e, COLUMN_CONTEXTS, like->call);
	put_number(e, COLUMN_CONTEXTS, like->process);
	put_number(e, COLUMN_CONTEXTS, like->flags);
	put_number(e, COLUMN_CONTEXTS, like->stack);
	return e->context_count++;
}

static inline uint32_t get_context(struct block_encoder *e, const struct coder_context *like)
{
	uint32_t slot =
		slot_of(like->stack ^ (uint64_t)like->process << 40 ^ (uint64_t)like->type << 32 ^
			(uint64_t)like->call << 24 ^ like->flags);

	while (e->context_slots[slot]) {
		if (same_context(&e->contexts[e->context_slots[slot]], like))
			return e->context_slots[slot];
		slot = (slot + 1) % SLOTS;
	}
	return add_context(e, slot, like);
}

static inline uint32_t get_thread(struct block_encoder *e, uint32_t tid)
{
	uint32_t slot = slot_of(tid);

	if (e->last_thread && e->threads[e->last_thread] == tid)
		return e->last_thread;
	while (e->thread_slots[slot] && e->threads[e->thread_slots[slot]] != tid)
		slot = (slot + 1) % SLOTS;
	if (!e->thread_slots[slot]) {
		e->threads[e->thread_count] = tid;
		put_number(e, COLUMN_THREADS, tid);
		e->thread_slots[slot] = e->thread_count++;
	}
	e->last_thread = e->thread_slots[slot];
	return e->last_thread;
}

/* ---- events ---- */

static inline void put_address(struct block_encoder *e, struct coder_context *c, uint64_t address)
{
	uint32_t *recent = &e->recent[slot_of(address)];
	uint32_t ago = e->history.next - *recent;

	if (ago > 0 && ago < HISTORY_SIZE && history_at(&e->history, ago) == address) {
		put_pair(e, COLUMN_PLACE_LOW, ago);
	} else {
		uint64_t difference = address - c->last_address;

		put_pair(e, COLUMN_PLACE_LOW, 0);
		if (difference & 7)
			put_number(e, COLUMN_ADDRESSES, pack_zigzag(difference) << 1 | 1);
		else
			put_number(e, COLUMN_ADDRESSES,
				   pack_zigzag((uint64_t)((int64_t)difference >> 3)) << 1);
		c->last_address = address;
	}
	*recent = e->history.next;
	history_add(&e->history, address);
}

static inline void put_size(struct block_encoder *e, struct coder_context *c, uint64_t bytes)
{
	put_number(e, COLUMN_SIZES, pack_zigzag(bytes - c->last_size));
	c->last_size = bytes;
}

static inline void put_time(struct block_encoder *e, uint64_t time_ns)
{
	uint64_t passed = time_ns - e->last_ns;

	if (passed < RECORDING_TIME_WIDE) {
		put_pair(e, COLUMN_TIME_LOW, (uint32_t)passed);
	} else {
		put_pair(e, COLUMN_TIME_LOW, RECORDING_TIME_WIDE);
		put_number(e, COLUMN_TIMES, pack_zigzag(passed));
	}
	e->last_ns = time_ns;
}

static inline struct coder_context *put_head(struct block_encoder *e, const struct event_header *h,
					     uint64_t stack, uint32_t flags)
{
	struct coder_context like = {.stack = stack,
				     .process = h->process,
				     .flags = h->flags | flags,
				     .type = h->type,
				     .call = h->call};
	uint32_t context = get_context(e, &like);

	put_pair(e, COLUMN_CONTEXT_LOW, context);
	put_pair(e, COLUMN_THREAD_LOW, get_thread(e, h->tid));
	put_time(e, h->time_ns);
	return &e->contexts[context];
}

static inline void put_alloc(struct block_encoder *e, const struct event_alloc *a)
{
	struct coder_context *c = put_head(e, &a->h, a->stack, 0);

	put_address(e, c, a->address);
	put_size(e, c, a->bytes);
}

static inline void put_free(struct block_encoder *e, const struct event_free *f)
{
	put_address(e, put_head(e, &f->h, 0, 0), f->address);
}

static void put_realloc(struct block_encoder *e, const struct event_realloc *r)
{
	struct coder_context *c = put_head(e, &r->h, r->stack,
					   (r->old_address ? RECORDING_CONTEXT_OLD : 0) |
						   (r->address ? RECORDING_CONTEXT_NEW : 0));

	if (r->old_address)
		put_address(e, c, r->old_address);
	if (r->address)
		put_address(e, c, r->address);
	put_size(e, c, r->bytes);
	put_number(e, COLUMN_ENTRIES, pack_zigzag(r->h.time_ns - r->entry_ns));
}

/* These flags are ours in the dictionary. */
static bool is_plain(const struct event_header *h, size_t size)
{
	return h->size == size && !(h->flags & (RECORDING_CONTEXT_NEW | RECORDING_CONTEXT_OLD));
}

static void put_rest(struct block_encoder *e, const struct event_header *h)
{
	struct column *rest = &e->columns[COLUMN_REST];

	put_pair(e, COLUMN_CONTEXT_LOW, 0);
	memcpy(rest->data + rest->length, h, record_span(h));
	rest->length += record_span(h);
}

static inline void put_record(struct block_encoder *e, const struct event_header *h)
{
	const void *record = h;

	if (h->type == EVENT_FREE && is_plain(h, sizeof(struct event_free)))
		put_free(e, record);
	else if ((h->type == EVENT_ALLOC || h->type == EVENT_RESIZE || h->type == EVENT_MMAP) &&
		 is_plain(h, sizeof(struct event_alloc)))
		put_alloc(e, record);
	else if (h->type == EVENT_REALLOC && is_plain(h, sizeof(struct event_realloc)))
		put_realloc(e, record);
	else
		put_rest(e, h);
}

static void note_time(struct block_facts *facts, uint64_t time_ns)
{
	if (!facts->first_ns || time_ns < facts->first_ns)
		facts->first_ns = time_ns;
	if (time_ns > facts->last_ns)
		facts->last_ns = time_ns;
}

static size_t put_records(struct block_encoder *e, const uint8_t *records, size_t bytes,
			  struct block_facts *facts)
{
	size_t at = 0;

	while (at + RECORD_LEAST <= bytes && e->context_count < RECORDING_DICTIONARY &&
	       e->thread_count < RECORDING_DICTIONARY && facts->events < RECORDING_EVENTS_MOST) {
		const struct event_header *h = (const void *)(records + at);

		put_record(e, h);
		if (h->type != RECORDING_NOTE_TYPE)
			note_time(facts, h->time_ns);
		facts->events++;
		at += record_span(h);
	}
	return at;
}

/* ---- payload ---- */

static bool pack_column(struct block_encoder *e, enum recording_column c, struct buffer *payload)
{
	const struct column *column = &e->columns[c];
	size_t bound = ZSTD_compressBound(column->length), packed;
	uint8_t *out;

	if (!column->length)
		return true;
	out = malloc(bound);
	if (!out)
		return false;
	packed = column->length < SMALL_BYTES ? column->length
					      : ZSTD_compressCCtx(e->zstd, out, bound, column->data,
								  column->length, LEVEL);
	if (ZSTD_isError(packed) || packed >= column->length)
		packed = column->length;
	pack_u64(payload, c);
	pack_u64(payload, column->length);
	pack_u64(payload, packed);
	buffer_add(payload, packed == column->length ? column->data : out, packed);
	free(out);
	return true;
}

size_t block_encoder_run(struct block_encoder *e, const uint8_t *records, size_t bytes,
			 struct buffer *payload, struct block_facts *facts)
{
	size_t done;
	int c;

	buffer_reset(payload);
	*facts = (struct block_facts){0};
	if (!reserve_all(e, bytes / RECORD_LEAST + 1, bytes + 8))
		return 0;
	if (e->context_count >= DICTIONARY_OK) {
		forget_contexts(e);
		facts->flags |= RECORDING_F_NEW_CONTEXTS;
	}
	if (e->thread_count >= DICTIONARY_OK) {
		forget_threads(e);
		facts->flags |= RECORDING_F_NEW_THREADS;
	}
	done = put_records(e, records, bytes, facts);
	for (c = 0; c < RECORDING_COLUMNS; c++) {
		if (!pack_column(e, (enum recording_column)c, payload))
			return 0;
	}
	return done;
}
