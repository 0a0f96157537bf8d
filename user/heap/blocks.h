/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outstanding blocks of one process: address -> block, at most 40 bytes a block at steady load.
 * Grows in small steps (segments), so that no insertion stalls for long, and has no limit but
 * memory. Zero-initialised is empty and valid. Pointers into the table are valid until the next
 * insertion or removal. One thread at a time.
 */
#ifndef HEAP_BLOCKS_H
#define HEAP_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block {
	uint64_t address; /* 0: not in use */
	uint64_t bytes;
	uint64_t born_ns;
	uint32_t site;
	uint32_t tid;
};
_Static_assert(sizeof(struct block) == 32, "block");

struct blocks_segment;
struct pieces;

struct blocks {
	struct blocks_segment **segments; /* 1 << depth entries; neighbours may be the same one */
	uint32_t depth;
	uint64_t count;
	uint64_t seed; /* of the hash; to be set while empty, so that no target can aim at one
			    segment */
	struct pieces *
		pieces; /* where blocks get their memory, but for the first few; NULL: nowhere in particular; borrowed */
	uint32_t small_chunks; /* full ones that are not in huge pages */
	uint32_t settle_at;    /* which segment blocks_settle() looks at next */
	uint64_t memory;       /* bytes in use by the table */
	uint64_t changes;      /* counts up when blocks or their places in the index have moved */
};

void blocks_done(struct blocks *b);
struct block *blocks_find(const struct blocks *b, uint64_t address);
/* Inserts a block whose address (not 0) is not there. NULL when out of memory (nothing changed). */
struct block *blocks_insert(struct blocks *b, const struct block *block);
/* Removes what blocks_find() returned; memory shrinks in steps when most of it is unused. */
void blocks_remove(struct blocks *b, struct block *block);
/* 0 or -ENOMEM (then *to is empty). *to must be empty. */
int blocks_copy(struct blocks *to, const struct blocks *from);
size_t blocks_memory(const struct blocks *b);
/*
 * To be called now and then, at best after some hundred events: moves blocks of a large table to huge pages, few at a time and as far as
 * these are ready.
 */
void blocks_settle(struct blocks *b);

/* for (size_t it = 0; (block = blocks_next(b, &it));) — any order; no insertion or removal
 * meanwhile. */
struct block *blocks_next(const struct blocks *b, size_t *iterator);
/*
 * A walk in pieces, between which blocks may come and go: visits those from *position on in one
 * segment, at most some thousands, and moves *position behind them. Begins at 0; false: that was the
 * last piece. A block that is there all the time is visited exactly once.
 */
typedef void blocks_visit_fn(void *context, const struct block *block);
bool blocks_walk(const struct blocks *b, uint64_t *position, blocks_visit_fn *visit, void *context);
/* Tests: NULL or what is wrong. */
const char *blocks_check(const struct blocks *b);

#endif /* HEAP_BLOCKS_H */
