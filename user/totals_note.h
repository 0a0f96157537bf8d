/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NOTE_TOTALS: the figures of a heap instead of events, when a recording is full. With the heap's lock. */
#ifndef USER_TOTALS_NOTE_H
#define USER_TOTALS_NOTE_H

#include "base/buffer.h"
#include "capture/pack.h"
#include "heap/heap.h"

/* All processes, and sites that have changed since that version (0: all). */
void totals_pack(struct heap *h, uint64_t since_version, struct buffer *out);
/* False: it makes no sense, or there is no memory; what stands before that is in the heap. */
bool totals_unpack(struct heap *h, struct unpack *u);

#endif /* USER_TOTALS_NOTE_H */
