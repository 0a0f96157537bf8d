/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks one after the other, from the start: dictionaries go on from block to block. The end block, when there is one, is looked for
 * first, because names stand behind all events and are wanted before them.
 *
 * Invariant: `at` is where the next block begins; `records` are those of the block before it.
 */
#include "replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "block_coder.h"
#include "file_block.h"

struct replay {
	int fd;
	uint64_t bytes, at;
	uint64_t index_at, names_at, next_names; /* 0: none */
	uint64_t last_ns;
	struct buffer about, payload, records, names;
	size_t next; /* in `records` */
	struct block_decoder *decoder;
	enum replay_end end;
};

static int read_start(struct replay *r)
{
	struct recording_start start;
	struct recording_block h;
	int err = file_read_at(r->fd, &start, sizeof(start), 0);

	if (err == -ENODATA && r->bytes)
		return -EBADMSG;
	if (err)
		return err;
	if (memcmp(start.magic, RECORDING_MAGIC, RECORDING_MAGIC_BYTES) != 0)
		return -EBADMSG;
	if (start.version != RECORDING_VERSION)
		return start.version > RECORDING_VERSION ? -EPROTO : -EBADMSG;
	err = file_read_block(r->fd, sizeof(start), &h, &r->about);
	if (!err && h.kind != RECORDING_ABOUT)
		err = -EBADMSG;
	r->at = sizeof(start) + sizeof(h) + h.bytes;
	return err;
}

/* The time of the newest event that the index knows. */
static void read_index(struct replay *r)
{
	struct recording_block h;
	struct unpack u;

	if (file_read_block(r->fd, r->index_at, &h, &r->payload) || h.kind != RECORDING_INDEX)
		return;
	u = (struct unpack){(const void *)r->payload.data,
			    (const uint8_t *)r->payload.data + r->payload.length, false};
	while (unpack_left(&u) && !u.bad) {
		uint64_t last;

		unpack_u64(&u);
		unpack_u64(&u);
		unpack_u64(&u);
		last = unpack_u64(&u);
		unpack_u64(&u);
		if (!u.bad && last > r->last_ns)
			r->last_ns = last;
	}
}

static void find_end(struct replay *r)
{
	uint64_t places[2], size = sizeof(struct recording_block) + sizeof(places);
	struct recording_block h;

	if (r->bytes < size || file_read_block(r->fd, r->bytes - size, &h, &r->payload) ||
	    h.kind != RECORDING_END || h.bytes != sizeof(places))
		return;
	memcpy(places, r->payload.data, sizeof(places));
	r->index_at = places[0];
	r->names_at = places[1];
	read_index(r);
}

int replay_open(struct replay **out, int fd)
{
	struct replay *r = calloc(1, sizeof(*r));
	struct stat st;
	int err;

	*out = NULL;
	if (!r || fstat(fd, &st)) {
		err = r ? -errno : -ENOMEM;
		free(r);
		close(fd);
		return err;
	}
	r->fd = fd;
	r->bytes = (uint64_t)st.st_size;
	r->decoder = block_decoder_new();
	err = !r->decoder ? -ENOMEM : S_ISREG(st.st_mode) ? read_start(r) : -ESPIPE;
	if (err) {
		replay_close(r);
		return err;
	}
	find_end(r);
	*out = r;
	return 0;
}

void replay_close(struct replay *r)
{
	if (!r)
		return;
	close(r->fd);
	block_decoder_free(r->decoder);
	buffer_done(&r->about);
	buffer_done(&r->payload);
	buffer_done(&r->records);
	buffer_done(&r->names);
	free(r);
}

static struct unpack unpack_of(const struct buffer *b)
{
	const uint8_t *data = (const void *)b->data;

	return (struct unpack){data, data + b->length, false};
}

struct unpack replay_about(const struct replay *r)
{
	return unpack_of(&r->about);
}

bool replay_has_names(const struct replay *r)
{
	return r->names_at != 0;
}

static bool next_names(struct replay *r, uint16_t kind, struct unpack *out)
{
	struct recording_block h;

	if (!r->next_names || file_read_block(r->fd, r->next_names, &h, &r->names) ||
	    h.kind != kind)
		return false;
	r->next_names += sizeof(h) + h.bytes;
	*out = unpack_of(&r->names);
	return true;
}

bool replay_names(struct replay *r, bool first, struct unpack *out)
{
	if (first)
		r->next_names = r->names_at;
	return next_names(r, RECORDING_NAMES, out);
}

bool replay_types(struct replay *r, struct unpack *out)
{
	return next_names(r, RECORDING_TYPES, out);
}

uint64_t replay_last_ns(const struct replay *r)
{
	return r->last_ns;
}

static enum replay_end end_of(int err)
{
	return err == -ENODATA ? REPLAY_TRUNCATED : REPLAY_DAMAGED;
}

/* The next block of events. False: the end. */
static bool read_events(struct replay *r)
{
	struct recording_block h;
	struct block_facts facts;
	int err;

	do {
		err = file_read_block(r->fd, r->at, &h, &r->payload);
		if (err) {
			r->end = end_of(err);
			return false;
		}
		r->at += sizeof(h) + h.bytes;
		if (h.kind == RECORDING_END) {
			r->end = REPLAY_WHOLE;
			return false;
		}
	} while (h.kind != RECORDING_EVENTS);
	facts = (struct block_facts){h.flags, h.events, h.first_ns, h.last_ns};
	err = block_decoder_run(r->decoder, (const void *)r->payload.data, r->payload.length,
				&facts, &r->records);
	if (err)
		r->end = REPLAY_DAMAGED;
	r->next = 0;
	return !err;
}

size_t replay_next(struct replay *r, const struct event_header **records, size_t max)
{
	size_t n = 0;

	while (r->end == REPLAY_GOES_ON && r->next == r->records.length) {
		r->records.length = r->next = 0;
		if (!read_events(r))
			r->records.length = r->next = 0;
	}
	while (n < max && r->next < r->records.length) {
		const struct event_header *e = (const void *)(r->records.data + r->next);

		if (replay_is_note(e) && n)
			break;
		records[n++] = e;
		r->next += record_span(e);
		if (replay_is_note(e))
			break;
	}
	return n;
}

enum replay_end replay_end(const struct replay *r)
{
	return r->end;
}

int replay_rewind(struct replay *r)
{
	struct block_decoder *d = block_decoder_new();

	if (!d)
		return -ENOMEM;
	block_decoder_free(r->decoder);
	r->decoder = d;
	r->end = REPLAY_GOES_ON;
	r->records.length = r->next = 0;
	r->at = sizeof(struct recording_start) + sizeof(struct recording_block) + r->about.length;
	return 0;
}

uint64_t replay_bytes(const struct replay *r)
{
	return r->bytes;
}

uint64_t replay_read(const struct replay *r)
{
	return r->at;
}
