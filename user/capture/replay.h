/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a recording (format.h): the source of a replay, as rings are that of a live run. The file may be anything. One thread at a
 * time.
 */
#ifndef CAPTURE_REPLAY_H
#define CAPTURE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../include/event.h"
#include "format.h"
#include "pack.h"

struct replay;

enum replay_end {
	REPLAY_GOES_ON,
	REPLAY_WHOLE,	  /* it was ended in order */
	REPLAY_TRUNCATED, /* its writer died, or it was not copied to its end */
	REPLAY_DAMAGED,	  /* what comes next makes no sense */
};

/*
 * Takes fd over, also when it fails. 0; -EBADMSG: no recording; -EPROTO: of a newer version; -ENODATA: it ends before it
 * begins; or -errno.
 */
int replay_open(struct replay **out, int fd);
void replay_close(struct replay *r);

/* The first block: fields. */
struct unpack replay_about(const struct replay *r);
/* It has the names of all that was recorded. */
bool replay_has_names(const struct replay *r);
/* The next block of names; false: there is none. From the beginning after `first`. */
bool replay_names(struct replay *r, bool first, struct unpack *out);
/* The next block of types; false: there is none. After the last block of names. */
bool replay_types(struct replay *r, struct unpack *out);
/* Time of the last event, as far as it is known without reading all: 0 else. */
uint64_t replay_last_ns(const struct replay *r);

/*
 * Up to `max` records in the order in which they were applied. A note stands alone. Borrowed until the next call. 0: at the end,
 * replay_end() says which.
 */
size_t replay_next(struct replay *r, const struct event_header **records, size_t max);
enum replay_end replay_end(const struct replay *r);
/* Begins anew. 0 or -ENOMEM. */
int replay_rewind(struct replay *r);
/* Bytes of the file, and those that were read of it so far. */
uint64_t replay_bytes(const struct replay *r);
uint64_t replay_read(const struct replay *r);

static inline bool replay_is_note(const struct event_header *e)
{
	return e->type == RECORDING_NOTE_TYPE;
}

static inline struct unpack replay_note(const struct event_header *e)
{
	const uint8_t *data = (const void *)(e + 1);

	return (struct unpack){data, data + e->flags, false};
}

#endif /* CAPTURE_REPLAY_H */
