/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chunks go round: the recording side fills one, the thread writes those that are full. There are so many and no more,
 * so that a slow disk costs neither memory without end nor events of the consumer: with none left events are dropped and
 * counted, while notes, stacks and the lives of processes go into chunks that are made for them, because everything after them
 * would make no sense. The first chunk after a gap begins with a note of it.
 *
 * Lock: `lock` protects the lists and the figures; `current` and `gap` belong to the recording side (the heap's lock), the
 * encoder and the file to the thread, and after record_drain() to the caller.
 */
#include "record.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "../base/buffer.h"
#include "../base/thread.h"
#include "../base/clock.h"
#include "../base/io.h"
#include "block_coder.h"
#include "file_block.h"
#include "pack.h"

#define CHUNK_BYTES (1u << 20)
#define CHUNKS	    32u
#define FLUSH_NS    (NS_PER_S / 4)
#define RECORD_NICE 5
/* Records take a third of their bytes in a file, or less. */
#define PACKED_SHARE 3
/* Of the limit, for what comes when no more events do. */
#define TAIL_SHARE  4
#define END_BYTES   4096u
#define CHUNK_LEAST (1u << 16)

struct chunk {
	struct chunk *next;
	size_t used, capacity;
	bool extra; /* not one of the many: freed after its use */
	_Alignas(8) uint8_t data[];
};

struct record {
	int fd;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t wake, written;
	/* under the lock */
	struct chunk *full, **full_tail, *empty;
	size_t waiting; /* chunks that are not in the file yet */
	size_t waiting_bytes;
	bool stop;
	struct record_figures figures;
	int err;
	/* the recording side's */
	struct chunk *current;
	size_t made, most, chunk_bytes;
	uint64_t gap, flushed_ns, limit;
	bool no_room, no_room_noted; /* for events any more */
	/* the thread's */
	struct block_encoder *encoder;
	struct buffer payload, index;
	uint64_t names_at;
};

/* ---- the file ---- */

static void fail(struct record *r, int err)
{
	pthread_mutex_lock(&r->lock);
	if (!r->err)
		r->err = err;
	pthread_mutex_unlock(&r->lock);
}

static void write_block(struct record *r, enum recording_kind kind, const void *payload,
			size_t bytes, const struct block_facts *facts)
{
	struct recording_block h = {.magic = RECORDING_BLOCK_MAGIC,
				    .kind = (uint16_t)kind,
				    .flags = facts->flags,
				    .bytes = (uint32_t)bytes,
				    .events = facts->events,
				    .first_ns = facts->first_ns,
				    .last_ns = facts->last_ns};
	struct buffer whole = {0};
	int err;

	if (record_error(r))
		return;
	h.checksum = file_block_checksum(&h, payload);
	buffer_add(&whole, &h, sizeof(h));
	buffer_add(&whole, payload, bytes);
	err = io_write(r->fd, whole.data, whole.length);
	buffer_done(&whole);
	if (err) {
		fail(r, err);
		return;
	}
	pthread_mutex_lock(&r->lock);
	pack_u64(&r->index, kind);
	pack_u64(&r->index, r->figures.bytes);
	pack_u64(&r->index, facts->first_ns);
	pack_u64(&r->index, facts->last_ns);
	pack_u64(&r->index, facts->events);
	if (kind == RECORDING_NAMES && !r->names_at)
		r->names_at = r->figures.bytes;
	r->figures.bytes += sizeof(h) + bytes;
	pthread_mutex_unlock(&r->lock);
}

static void write_chunk(struct record *r, const struct chunk *c)
{
	struct block_facts facts;
	size_t at = 0;

	while (at < c->used && !record_error(r)) {
		size_t n = block_encoder_run(r->encoder, c->data + at, c->used - at, &r->payload,
					     &facts);

		if (!n) {
			fail(r, -ENOMEM);
			return;
		}
		write_block(r, RECORDING_EVENTS, r->payload.data, r->payload.length, &facts);
		at += n;
	}
}

/* ---- the thread ---- */

static struct chunk *take_full(struct record *r)
{
	struct chunk *c;

	pthread_mutex_lock(&r->lock);
	while (!r->full && !r->stop)
		pthread_cond_wait(&r->wake, &r->lock);
	c = r->full;
	if (c) {
		r->full = c->next;
		if (!r->full)
			r->full_tail = &r->full;
	}
	pthread_mutex_unlock(&r->lock);
	return c;
}

static void give_back(struct record *r, struct chunk *c)
{
	bool extra = c->extra;

	pthread_mutex_lock(&r->lock);
	r->waiting_bytes -= c->used;
	if (!extra) {
		c->used = 0;
		c->next = r->empty;
		r->empty = c;
	}
	if (--r->waiting == 0)
		pthread_cond_broadcast(&r->written);
	pthread_mutex_unlock(&r->lock);
	if (extra)
		free(c);
}

static void *run(void *arg)
{
	struct record *r = arg;
	struct chunk *c;

	pthread_setname_np(pthread_self(), "tracer-record");
	setpriority(PRIO_PROCESS, (id_t)gettid(), RECORD_NICE);
	while ((c = take_full(r))) {
		write_chunk(r, c);
		give_back(r, c);
	}
	return NULL;
}

static int start_thread(struct record *r)
{
	int err = thread_start(&r->thread, run, r);

	r->running = !err;
	return -err;
}

/* ---- the recording side ---- */

static struct chunk *new_chunk(size_t capacity, bool extra)
{
	struct chunk *c = malloc(sizeof(*c) + capacity);

	if (c)
		*c = (struct chunk){.capacity = capacity, .extra = extra};
	return c;
}

static void hand_over(struct record *r)
{
	struct chunk *c = r->current;

	r->current = NULL;
	if (!c)
		return;
	if (!c->used) {
		r->made -= !c->extra;
		free(c);
		return;
	}
	c->next = NULL;
	pthread_mutex_lock(&r->lock);
	*r->full_tail = c;
	r->full_tail = &c->next;
	r->waiting++;
	r->waiting_bytes += c->used;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	if (r->limit && !r->no_room)
		r->no_room = !record_has_room(r, r->limit / TAIL_SHARE);
}

static struct chunk *take_empty(struct record *r)
{
	struct chunk *c;

	pthread_mutex_lock(&r->lock);
	c = r->empty;
	if (c)
		r->empty = c->next;
	pthread_mutex_unlock(&r->lock);
	if (!c && r->made < r->most) {
		c = new_chunk(r->chunk_bytes, false);
		r->made += c != NULL;
	}
	return c;
}

static void put_note(struct chunk *c, enum recording_note note, const void *data, size_t bytes)
{
	struct event_header *h = (void *)(c->data + c->used);

	*h = (struct event_header){.process = (uint32_t)note,
				   .size = sizeof(*h),
				   .type = RECORDING_NOTE_TYPE,
				   .flags = (uint32_t)bytes};
	memcpy(h + 1, data, bytes);
	memset((uint8_t *)(h + 1) + bytes, 0, record_span(h) - sizeof(*h) - bytes);
	c->used += record_span(h);
}

/* Ends a gap. There is room. */
static void put_gap(struct record *r)
{
	uint8_t bytes[PACK_BYTES_MOST];

	if (!r->gap)
		return;
	put_note(r->current, NOTE_GAP, bytes, pack_put(bytes, r->gap));
	r->gap = 0;
}

#define GAP_ROOM (sizeof(struct event_header) + 16)
/* The end of its bytes, and NOTE_FULL before it. */
#define NOTE_ROOM (sizeof(struct event_header) + 8)

/* Room for so many bytes, and a gap before them. False: none. */
static bool make_room(struct record *r, size_t bytes, bool needed)
{
	struct chunk *c = r->current;

	if (c && c->capacity - c->used >= bytes + GAP_ROOM && !(c->extra && !needed))
		return true;
	c = bytes + GAP_ROOM > r->chunk_bytes ? NULL : take_empty(r);
	if (!c && needed)
		c = new_chunk(bytes + GAP_ROOM > CHUNK_LEAST ? bytes + GAP_ROOM : CHUNK_LEAST,
			      true);
	if (!c)
		return false;
	hand_over(r);
	r->current = c;
	return true;
}

static void drop(struct record *r, size_t count)
{
	r->gap += count;
	pthread_mutex_lock(&r->lock);
	r->figures.lost_events += count;
	pthread_mutex_unlock(&r->lock);
}

/* What later events cannot do without. */
static bool is_needed(const struct event_header *e)
{
	return e->type >= EVENT_STACK && e->type != EVENT_MMAP && e->type != EVENT_MUNMAP &&
	       e->type != EVENT_MREMAP;
}

#define EVENT_MOST (sizeof(struct event_stack) + 8 * STACK_MAX_FRAMES)

/* The two that nearly all are have fixed sizes. What makes no sense is counted by the heap, and nothing to keep. */
static inline void put_event(struct chunk *c, const struct event_header *e)
{
	uint64_t *to = (void *)(c->data + c->used);

	if (e->size == sizeof(struct event_alloc))
		memcpy(to, e, sizeof(struct event_alloc));
	else if (e->size == sizeof(struct event_free))
		memcpy(to, e, sizeof(struct event_free));
	else if (e->size <= EVENT_MOST)
		memcpy(to, e, e->size);
	else
		return;
	if (e->type != RECORDING_NOTE_TYPE)
		c->used += record_span(e);
}

static void record_few(struct record *r, const struct event_header *const *events, size_t count)
{
	size_t dropped = 0;

	for (size_t i = 0; i < count; i++) {
		if (r->no_room && events[i]->type != EVENT_STACK)
			continue;
		if (!make_room(r, EVENT_MOST, is_needed(events[i]))) {
			dropped++;
			continue;
		}
		put_gap(r);
		put_event(r->current, events[i]);
	}
	if (dropped)
		drop(r, dropped);
}

/* Full: what is named later must be known all the same. */
static void record_stacks(struct record *r, const struct event_header *const *events, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (events[i]->type == EVENT_STACK && record_has_room(r, EVENT_MOST))
			record_few(r, &events[i], 1);
	}
}

void record_events(struct record *r, const struct event_header *const *events, size_t count)
{
	struct chunk *c = r->current;
	size_t i;

	if (record_error(r))
		return;
	if (r->no_room) {
		record_stacks(r, events, count);
		return;
	}
	/* many at once, when there is room for all, whatever they are */
	for (i = 0; c && !c->extra && !r->gap && i < count; i++) {
		if (c->capacity - c->used < EVENT_MOST)
			break;
		put_event(c, events[i]);
	}
	if (i < count)
		record_few(r, events + i, count - i);
	pthread_mutex_lock(&r->lock);
	r->figures.events += count;
	pthread_mutex_unlock(&r->lock);
}

void record_note(struct record *r, enum recording_note note, const void *data, size_t bytes)
{
	if (record_error(r) || bytes > RECORDING_BLOCK_MOST / 2 ||
	    !make_room(r, sizeof(struct event_header) + bytes + NOTE_ROOM, true))
		return;
	put_gap(r);
	if (r->no_room && !r->no_room_noted) {
		put_note(r->current, NOTE_FULL, "", 0);
		r->no_room_noted = true;
	}
	put_note(r->current, note, data, bytes);
}

void record_flush(struct record *r)
{
	r->flushed_ns = clock_monotonic_ns();
	if (r->current && r->current->used)
		hand_over(r);
}

void record_flush_sometimes(struct record *r, uint64_t now_ns)
{
	if (now_ns - r->flushed_ns >= FLUSH_NS)
		record_flush(r);
}

/* ---- life ---- */

static int begin_file(struct record *r, const void *about, size_t bytes)
{
	struct recording_start start = {.version = RECORDING_VERSION};
	struct block_facts facts = {0};
	int err;

	memcpy(start.magic, RECORDING_MAGIC, RECORDING_MAGIC_BYTES);
	err = io_write(r->fd, &start, sizeof(start));
	if (err)
		return err;
	r->figures.bytes = sizeof(start);
	write_block(r, RECORDING_ABOUT, about, bytes, &facts);
	return r->err;
}

static void record_free(struct record *r)
{
	struct chunk *c, *next;

	for (c = r->empty; c; c = next) {
		next = c->next;
		free(c);
	}
	free(r->current);
	block_encoder_free(r->encoder);
	buffer_done(&r->payload);
	buffer_done(&r->index);
	pthread_cond_destroy(&r->wake);
	pthread_cond_destroy(&r->written);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

struct record *record_open(int fd, const void *about, size_t about_bytes, size_t chunks,
			   uint64_t limit)
{
	struct record *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (r) {
		r->fd = fd;
		r->most = chunks ? chunks : CHUNKS;
		r->limit = limit;
		r->chunk_bytes = CHUNK_BYTES;
		if (limit && limit / 16 < CHUNK_BYTES)
			r->chunk_bytes = limit / 16 < CHUNK_LEAST ? CHUNK_LEAST : limit / 16;
		r->full_tail = &r->full;
		r->flushed_ns = clock_monotonic_ns();
		pthread_mutex_init(&r->lock, NULL);
		pthread_cond_init(&r->wake, NULL);
		pthread_cond_init(&r->written, NULL);
		r->encoder = block_encoder_new();
		err = r->encoder ? begin_file(r, about, about_bytes) : -ENOMEM;
		if (!err)
			err = start_thread(r);
		if (!err)
			return r;
		record_free(r);
	}
	close(fd);
	errno = -err;
	return NULL;
}

void record_drain(struct record *r)
{
	record_flush(r);
	pthread_mutex_lock(&r->lock);
	while (r->waiting)
		pthread_cond_wait(&r->written, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

void record_block(struct record *r, enum recording_kind kind, const void *payload, size_t bytes)
{
	struct block_facts facts = {0};

	write_block(r, kind, payload, bytes, &facts);
}

static void end_file(struct record *r)
{
	uint64_t index_at = r->figures.bytes, names_at = r->names_at;
	uint64_t places[2] = {index_at, names_at};
	struct buffer index = r->index;

	r->index = (struct buffer){0};
	buffer_add(&index, "", 0);
	record_block(r, RECORDING_INDEX, index.data, index.length);
	record_block(r, RECORDING_END, places, sizeof(places));
	buffer_done(&index);
}

int record_close(struct record *r)
{
	int err;

	if (!r)
		return 0;
	record_drain(r);
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	end_file(r);
	/* some file systems say only now that there was no room */
	if (close(r->fd) && errno != EINTR)
		fail(r, -errno);
	err = r->err;
	record_free(r);
	return err;
}

bool record_is_full(const struct record *r)
{
	return r->no_room;
}

bool record_has_room(struct record *r, uint64_t bytes)
{
	uint64_t used;

	pthread_mutex_lock(&r->lock);
	used = r->figures.bytes + r->index.length +
	       (r->waiting_bytes + (r->current ? r->current->used : 0)) / PACKED_SHARE;
	pthread_mutex_unlock(&r->lock);
	return !r->limit || used + bytes + END_BYTES <= r->limit;
}

int record_error(const struct record *r)
{
	return __atomic_load_n(&r->err, __ATOMIC_RELAXED);
}

struct record_figures record_figures(const struct record *r)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&r->lock;
	struct record_figures f;

	pthread_mutex_lock(lock);
	f = r->figures;
	pthread_mutex_unlock(lock);
	return f;
}
