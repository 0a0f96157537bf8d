/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a recording (format.h). Whoever changes the heap gives the records here in the order in which they are applied, under
 * the lock of the heap: they are only copied, into chunks that a thread of our own encodes and writes. When it cannot keep up,
 * or the disk is full, events are left out and counted; notes and what is rare never are, as long as the file can be written.
 */
#ifndef CAPTURE_RECORD_H
#define CAPTURE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../include/event.h"
#include "format.h"

struct record;

/*
 * Takes fd over, also when it fails. `about` is the payload of the first block. chunks: how many may wait to be written, 0: the usual number.
 * limit: bytes of the file, 0: none. NULL with errno.
 */
struct record *record_open(int fd, const void *about, size_t about_bytes, size_t chunks,
			   uint64_t limit);
/* Called as the one who holds the heap's lock. */
void record_events(struct record *r, const struct event_header *const *events, size_t count);
void record_note(struct record *r, enum recording_note note, const void *data, size_t bytes);
/*
 * So much of the limit is used that from now on only stacks are recorded of events, and notes: a quarter of it is left for
 * figures that take their place, and for names. Under the lock, as the recording functions are.
 */
bool record_is_full(const struct record *r);
/* Would the file stay within its limit with so many more bytes? What waits is counted as if it could not be packed well. */
bool record_has_room(struct record *r, uint64_t bytes);
/* What has come so far goes to the file now; does not wait. */
void record_flush(struct record *r);
/* The same when the last time was long ago: to be called often. */
void record_flush_sometimes(struct record *r, uint64_t now_ns);
/* Returns when it is in the file, or cannot be. Not under the lock: nobody may record meanwhile. */
void record_drain(struct record *r);
/* After record_drain(): a block of this kind. */
void record_block(struct record *r, enum recording_kind kind, const void *payload, size_t bytes);
/*
 * Writes the index and the end, and closes the file. 0 or the first -errno that there was. NULL is fine.
 */
int record_close(struct record *r);

/* Any thread. -errno: nothing is written any more. */
int record_error(const struct record *r);
struct record_figures {
	uint64_t events, lost_events; /* in the file; left out */
	uint64_t bytes;		      /* of the file */
};
struct record_figures record_figures(const struct record *r);

#endif /* CAPTURE_RECORD_H */
