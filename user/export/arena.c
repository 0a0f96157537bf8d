/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arena.h"

#include <stdlib.h>
#include "../base/xalloc.h"

#define PIECE_BYTES 65536
#define ALIGN	    16

struct arena_piece {
	struct arena_piece *next;
	size_t bytes;
	_Alignas(ALIGN) char data[];
};

void *arena_get(struct arena *a, size_t count, size_t size)
{
	size_t bytes = (count * size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct arena_piece *p = a->pieces;
	void *at;

	if (!p || p->bytes - a->used < bytes) {
		size_t room = bytes > PIECE_BYTES ? bytes : PIECE_BYTES;

		p = xcalloc(1, sizeof(*p) + room);
		p->next = a->pieces;
		p->bytes = room;
		a->pieces = p;
		a->used = 0;
	}
	at = p->data + a->used;
	a->used += bytes;
	return at;
}

void arena_done(struct arena *a)
{
	while (a->pieces) {
		struct arena_piece *next = a->pieces->next;

		free(a->pieces);
		a->pieces = next;
	}
}
