/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for blocks, in pieces of small or of huge pages. With a million blocks in small pages, finding a block's page takes as long as
 * anything else that an event does; few blocks in huge pages would leave most of them idle. So tables begin with the one and move to the
 * other, piece by piece, as they grow.
 *
 * The kernel clears a huge page when it is first touched, and a virtual machine may have to get it from its host then, which takes
 * 5 ms: so a thread of its own touches the next one ahead, and as long as that is not ready there are no huge pieces, which is
 * no error. One thread at a time for all functions.
 */
#ifndef HEAP_PIECES_H
#define HEAP_PIECES_H

#include <stdbool.h>
#include <stddef.h>

#define PIECE_BYTES 8192u

struct pieces;

/* NULL: no memory. The thread is started when the first huge piece is asked for. */
struct pieces *pieces_new(void);
/* Accepts NULL. All pieces have been given back. */
void pieces_free(struct pieces *p);
/* PIECE_BYTES aligned to as many, whatever is in them, of small pages. NULL: no memory, or `p` is NULL. */
void *pieces_take(struct pieces *p);
/* The same of a huge page; NULL: none is ready, or `p` is NULL. */
void *pieces_take_huge(struct pieces *p);
/* Of either kind. It is kept for the next one, as long as others of its page are in use. */
void pieces_give(struct pieces *p, void *piece);
/* The same for one that is not going to be needed again: its memory goes back to the kernel, if it is of small pages. */
void pieces_drop(struct pieces *p, void *piece);
/* Bytes of huge pages that are held and in no piece that is taken: two pages at most while pieces are only taken. `p` may be NULL. */
size_t pieces_idle(const struct pieces *p);

#endif /* HEAP_PIECES_H */
