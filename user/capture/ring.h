/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The per-CPU rings as the kernel shares them: records are read where they lie. One thread at a
 * time.
 */
#ifndef CAPTURE_RING_H
#define CAPTURE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../include/event.h"

struct ring {
	unsigned long *consumer;       /* shared: up to where we have read */
	const unsigned long *producer; /* shared: up to where the kernel has written */
	const uint8_t *data; /* mapped twice in a row, so that every record is in one piece */
	size_t size;
	unsigned long position; /* of the next record, not yet given back */
	unsigned long limit;	/* producer position at the start of the sweep */
	uint64_t last_ns;	/* time of the newest record read */
};

/* 0 or -errno. size: of the ring map, bytes. */
int ring_open(struct ring *r, int map_fd, size_t size);
void ring_close(struct ring *r);

enum ring_state { RING_EMPTY, RING_BUSY, RING_RECORD };
/*
 * The record at the read position, skipping discarded ones. RING_BUSY: it is reserved and still
 * being written, so nothing behind it can be read yet. Records whose length is impossible are
 * skipped and counted in *bad.
 */
enum ring_state ring_peek(struct ring *r, const struct event_header **event, uint64_t *bad);
void ring_advance(struct ring *r);
/* Gives everything that was read back to the kernel. */
void ring_release(struct ring *r);

#endif /* CAPTURE_RING_H */
