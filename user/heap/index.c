/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash index over sites, stacks and processes. Linear probing, at most a quarter full, so that nearly all are in the
 * first slot that is looked at; slots carry the hash so that growing touches nothing but slots.
 *
 * Invariant: each ref is found in `now` or in `old`. The old table is never changed, only read, and
 * given up when all of it was moved; that is long before the new one, twice as large, is full.
 */
#include "index.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS    64u
#define MOVE_AT_A_TIME 16u

static void table_add(struct index_table *t, uint32_t hash, uint32_t ref)
{
	uint32_t i = hash & t->mask;

	while (t->slots[i].ref)
		i = (i + 1) & t->mask;
	t->slots[i] = (struct index_slot){.hash = hash, .ref = ref};
}

static void move_some(struct index *x)
{
	uint32_t end = x->moved + MOVE_AT_A_TIME;

	if (!x->old.slots)
		return;
	for (; x->moved < end && x->moved <= x->old.mask; x->moved++) {
		const struct index_slot *s = &x->old.slots[x->moved];

		if (s->ref)
			table_add(&x->now, s->hash, s->ref);
	}
	if (x->moved > x->old.mask) {
		free(x->old.slots);
		x->old = (struct index_table){0};
	}
}

static int grow(struct index *x)
{
	uint32_t slots = x->now.slots ? (x->now.mask + 1) * 2 : FIRST_SLOTS;
	struct index_slot *v;

	if (!slots)
		return -ENOMEM;
	v = calloc(slots, sizeof(*v));
	if (!v)
		return -ENOMEM;
	x->old = x->now;
	x->moved = 0;
	x->now = (struct index_table){.slots = v, .mask = slots - 1};
	return 0;
}

int index_insert(struct index *x, uint32_t hash, uint32_t ref)
{
	move_some(x);
	if ((!x->now.slots || x->count >= (x->now.mask + 1) / 4) && !x->old.slots && grow(x))
		return -ENOMEM;
	table_add(&x->now, hash, ref);
	x->count++;
	return 0;
}

size_t index_memory(const struct index *x)
{
	size_t slots = (x->now.slots ? x->now.mask + 1 : 0) + (x->old.slots ? x->old.mask + 1 : 0);

	return slots * sizeof(struct index_slot);
}

void index_done(struct index *x)
{
	free(x->now.slots);
	free(x->old.slots);
	memset(x, 0, sizeof(*x));
}
