/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash -> pointer, open addressing, no removal. The table does not own the items. Zero-initialised
 * is empty and valid. Out of memory ends the program. One thread at a time.
 */
#ifndef SYMBOL_TABLE_H
#define SYMBOL_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_slot {
	uint64_t hash;
	void *item; /* NULL: empty */
};

struct table {
	struct table_slot *slots;
	size_t capacity; /* 0 or a power of two */
	size_t count;
};

void table_done(struct table *t);
void table_insert(struct table *t, uint64_t hash, void *item);
/* size_t at = 0; while ((item = table_find(t, hash, &at))) — every item with this hash: the caller
 * compares. */
void *table_find(const struct table *t, uint64_t hash, size_t *at);
/* size_t at = 0; while ((item = table_next(t, &at))) — every item, in any order. */
void *table_next(const struct table *t, size_t *at);
size_t table_memory(const struct table *t);

#endif /* SYMBOL_TABLE_H */
