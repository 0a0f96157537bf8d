/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "feed.h"

#include "base/buffer.h"
#include "capture/replay.h"

/* A process that was found by its name at exec has no parent that is known: it begins here. */
static void add_started(struct feed *f, const struct event_header *e)
{
	const struct event_process *p = (const void *)e;

	if (e->type != EVENT_EXEC || !(e->flags & EVENT_F_STARTED) || e->size < sizeof(*p))
		return;
	if (!heap_find_process(f->heap, e->process))
		heap_add_process(f->heap, e->process, p->pid, p->comm, e->time_ns);
}

void feed_events(struct feed *f, const struct event_header *const *events, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (events[i]->type == EVENT_EXEC)
			add_started(f, events[i]);
	}
	feed_blocks(f, events, count);
}

void feed_blocks(struct feed *f, const struct event_header *const *events, size_t count)
{
	heap_apply_batch(f->heap, events, count);
	if (f->record)
		record_events(f->record, events, count);
}

uint32_t feed_add_process(struct feed *f, uint32_t number, uint32_t pid, const char *comm,
			  uint64_t now_ns)
{
	struct buffer b = {0};

	if (f->record) {
		pack_u64(&b, number);
		pack_u64(&b, pid);
		pack_text(&b, comm);
		pack_u64(&b, now_ns);
		record_note(f->record, NOTE_PROCESS, b.data, b.length);
		buffer_done(&b);
	}
	return heap_add_process(f->heap, number, pid, comm, now_ns);
}

void feed_count(struct feed *f, uint32_t number, enum counter_id id)
{
	uint8_t bytes[2 * PACK_BYTES_MOST];
	size_t n;

	if (f->record) {
		n = pack_put(bytes, number);
		n += pack_put(bytes + n, id);
		record_note(f->record, NOTE_COUNT, bytes, n);
	}
	heap_count(f->heap, number, id);
}

void feed_window_begin(struct feed *f, uint64_t now_ns)
{
	uint8_t bytes[PACK_BYTES_MOST];

	if (f->record)
		record_note(f->record, NOTE_WINDOW, bytes, pack_put(bytes, now_ns));
	heap_window_begin(f->heap, now_ns);
}

static void add_again(struct feed *f, struct unpack u)
{
	uint64_t number = unpack_u64(&u), pid = unpack_u64(&u);
	const char *comm = unpack_text(&u);
	uint64_t now_ns = unpack_u64(&u);

	if (!u.bad && number && number <= UINT32_MAX && pid <= UINT32_MAX)
		feed_add_process(f, (uint32_t)number, (uint32_t)pid, comm, now_ns);
}

static void count_again(struct feed *f, struct unpack u)
{
	uint64_t number = unpack_u64(&u), id = unpack_u64(&u);

	if (!u.bad && number <= UINT32_MAX && id < COUNTER_COUNT)
		feed_count(f, (uint32_t)number, (enum counter_id)id);
}

bool feed_note(struct feed *f, const struct event_header *note)
{
	struct unpack u = replay_note(note);
	uint64_t now_ns;

	switch (note->process) {
	case NOTE_PROCESS: add_again(f, u); return true;
	case NOTE_COUNT: count_again(f, u); return true;
	case NOTE_WINDOW:
		now_ns = unpack_u64(&u);
		if (!u.bad)
			feed_window_begin(f, now_ns);
		return true;
	default: return false;
	}
}
