/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is given back all at once. Zero-initialised is empty. One thread at a time. */
#ifndef EXPORT_ARENA_H
#define EXPORT_ARENA_H

#include <stddef.h>

struct arena_piece;

struct arena {
	struct arena_piece *pieces;
	size_t used; /* of the newest */
};

/* Zeros, aligned for anything. Out of memory ends the program. */
void *arena_get(struct arena *a, size_t count, size_t size);
void arena_done(struct arena *a);

#endif /* EXPORT_ARENA_H */
