/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of heap/: the checks of records. Inline what every event needs. */
#ifndef HEAP_RECORDS_H
#define HEAP_RECORDS_H

#include "tables.h"

#define BYTES_MAX                                                                                  \
	(1ull << 56) /* above any address space: sums and ends of ranges cannot overflow */
#define RECORD_TYPES (EVENT_COLLECTED + 1)

extern const uint16_t record_sizes[RECORD_TYPES]; /* the smallest of each type */
extern const uint8_t record_call_flags[CALL_ID_COUNT];
extern const bool record_pair_calls[2]
				   [UINT8_MAX + 1]; /* may a free, an allocation be of that call */

/* Of all but the two below; size, type and call are in order. */
bool record_is_sane_any(const struct event_header *e);

/* Of an EVENT_ALLOC (alloc is 1) or an EVENT_FREE (0). Nothing foretells which of the two it is: so without a branch that depends on it. */
static inline bool record_is_sane_pair(const struct event_header *h, size_t alloc)
{
	const uint64_t *words = (const void *)(h + 1);

	_Static_assert(offsetof(struct event_alloc, address) == sizeof(*h) &&
			       offsetof(struct event_free, address) == sizeof(*h) &&
			       offsetof(struct event_alloc, bytes) == sizeof(*h) + 8,
		       "words of an event");
	return h->size >= record_sizes[h->type] && record_pair_calls[alloc][h->call] && words[0] &&
	       (words[alloc] & -(uint64_t)alloc) < BYTES_MAX;
}

/* Of any other type. */
static inline bool record_is_sane_other(const struct event_header *h)
{
	return h->type < RECORD_TYPES && h->size >= record_sizes[h->type] &&
	       h->call < CALL_ID_COUNT && record_is_sane_any(h);
}

#endif /* HEAP_RECORDS_H */
