/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses that were named last, the same for encoder and decoder. Private to both. */
#ifndef CAPTURE_HISTORY_H
#define CAPTURE_HISTORY_H

#include <stdint.h>
#include "format.h"

#define HISTORY_SIZE (1u << RECORDING_HISTORY_BITS)
#define HISTORY_MASK (HISTORY_SIZE - 1)

struct address_history {
	uint64_t v[HISTORY_SIZE];
	uint32_t next; /* counts on and wraps */
};

static inline void history_add(struct address_history *h, uint64_t address)
{
	h->v[h->next++ & HISTORY_MASK] = address;
}

/* ago: 1 is the last one. */
static inline uint64_t history_at(const struct address_history *h, uint32_t ago)
{
	return h->v[(h->next - ago) & HISTORY_MASK];
}

/* An entry of the dictionary of contexts. */
struct coder_context {
	uint64_t stack;
	uint32_t process, flags;
	uint8_t type, call;
	uint64_t last_address, last_size;
};

#endif /* CAPTURE_HISTORY_H */
