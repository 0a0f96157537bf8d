/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the slots of the small hash tables of this folder: strings, files, addresses, stacks,
 * processes. Hashes come from base/mix.h and items from the caller, who also frees them.
 *
 * Invariant: at most three quarters of the slots are used, so that every search meets an empty one.
 */
#include "table.h"

#include <stdlib.h>
#include "../base/xalloc.h"

void table_done(struct table *t)
{
	free(t->slots);
	*t = (struct table){0};
}

static void table_put(struct table *t, uint64_t hash, void *item)
{
	size_t mask = t->capacity - 1, i = hash & mask;

	while (t->slots[i].item)
		i = (i + 1) & mask;
	t->slots[i] = (struct table_slot){hash, item};
	t->count++;
}

static void table_grow(struct table *t)
{
	struct table old = *t;

	t->capacity = old.capacity ? 2 * old.capacity : 64;
	t->slots = xcalloc(t->capacity, sizeof(*t->slots));
	t->count = 0;
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.slots[i].item)
			table_put(t, old.slots[i].hash, old.slots[i].item);
	}
	free(old.slots);
}

void table_insert(struct table *t, uint64_t hash, void *item)
{
	if (4 * (t->count + 1) > 3 * t->capacity)
		table_grow(t);
	table_put(t, hash, item);
}

void *table_find(const struct table *t, uint64_t hash, size_t *at)
{
	size_t mask = t->capacity - 1;

	if (t->capacity == 0)
		return NULL;
	for (;;) {
		const struct table_slot *slot = &t->slots[(hash + *at) & mask];

		if (!slot->item)
			return NULL;
		(*at)++;
		if (slot->hash == hash)
			return slot->item;
	}
}

void *table_next(const struct table *t, size_t *at)
{
	while (*at < t->capacity) {
		void *item = t->slots[(*at)++].item;

		if (item)
			return item;
	}
	return NULL;
}

size_t table_memory(const struct table *t)
{
	return t->capacity * sizeof(*t->slots);
}
