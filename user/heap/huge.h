/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for the blocks of large tables, in pieces of huge pages: with a million blocks in small pages, finding a block's page takes as
 * long as anything else that an event does. The kernel clears a huge page when it is first touched, and a virtual machine may have
 * to get it from its host then, which takes 5 ms: so a thread of its own touches the next one ahead, and as long as that is not
 * ready there are no pieces, which is no error.
 *
 * huge_take() and huge_give() by one thread at a time.
 */
#ifndef HEAP_HUGE_H
#define HEAP_HUGE_H

#include <stddef.h>

#define HUGE_PIECE_BYTES 8192u

struct huge;

/* NULL: no memory. The thread is started when the first piece is asked for. */
struct huge *huge_new(void);
/* Accepts NULL. All pieces have been given back. */
void huge_free(struct huge *h);
/* HUGE_PIECE_BYTES aligned to as many, whatever is in them; NULL: none is ready. `h` may be NULL. */
void *huge_take(struct huge *h);
void huge_give(struct huge *h, void *piece);
/* Bytes that are held and in no piece that is taken: two huge pages at most while pieces are only taken. `h` may be NULL. */
size_t huge_idle(const struct huge *h);

#endif /* HEAP_HUGE_H */
