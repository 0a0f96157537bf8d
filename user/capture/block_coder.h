/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records <-> columns of a block. Pure: no file, no clock. `Records` are struct event_* one after the other, each at a multiple
 * of eight bytes, and notes (format.h). One thread at a time; blocks in order.
 */
#ifndef CAPTURE_BLOCK_CODER_H
#define CAPTURE_BLOCK_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../include/event.h"
#include "../base/buffer.h"
#include "format.h"

static inline size_t record_span(const struct event_header *e)
{
	size_t note = e->type == RECORDING_NOTE_TYPE ? e->flags : 0;

	return (e->size + note + 7) & ~(size_t)7;
}

/* What a block says of itself beside its payload. */
struct block_facts {
	uint16_t flags;
	uint32_t events;
	uint64_t first_ns, last_ns;
};

struct block_encoder;

/* NULL: out of memory. */
struct block_encoder *block_encoder_new(void);
void block_encoder_free(struct block_encoder *e);
/*
 * Makes the payload of one block out of as many of the records as it takes; returns how many bytes of them, all but
 * when a dictionary is full. 0: out of memory, or nothing was given. *payload is overwritten.
 */
size_t block_encoder_run(struct block_encoder *e, const uint8_t *records, size_t bytes,
			 struct buffer *payload, struct block_facts *facts);

struct block_decoder;

struct block_decoder *block_decoder_new(void);
void block_decoder_free(struct block_decoder *d);
/*
 * Records of a block, in *records (overwritten). 0, -EBADMSG when the payload makes no sense, -ENOMEM. Whatever the payload is,
 * records that are given out lie within *records, and their sizes are those of their types at least.
 */
int block_decoder_run(struct block_decoder *d, const uint8_t *payload, size_t bytes,
		      const struct block_facts *facts, struct buffer *records);

#endif /* CAPTURE_BLOCK_CODER_H */
