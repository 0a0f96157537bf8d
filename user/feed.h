/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only way into the heap: what changes it is applied and, with -w, recorded, in one order. So a replay that hands the same
 * things in here in that order has the same heap at each of its moments. All functions with the heap's lock.
 */
#ifndef USER_FEED_H
#define USER_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "capture/record.h"
#include "heap/heap.h"

struct feed {
	struct heap *heap;     /* borrowed */
	struct record *record; /* borrowed; NULL: nothing is recorded */
};

void feed_events(struct feed *f, const struct event_header *const *events, size_t count);
/* The same for events that are allocations and frees, all of them. */
void feed_blocks(struct feed *f, const struct event_header *const *events, size_t count);
/* As heap_add_process(). */
uint32_t feed_add_process(struct feed *f, uint32_t number, uint32_t pid, const char *comm,
			  uint64_t now_ns);
void feed_count(struct feed *f, uint32_t number, enum counter_id id);
void feed_window_begin(struct feed *f, uint64_t now_ns);

/* A note that one of these has written, again. False: it is another one. */
bool feed_note(struct feed *f, const struct event_header *note);

#endif /* USER_FEED_H */
