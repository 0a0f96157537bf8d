/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outstanding blocks of a site by the generation they were born in. Written by sites.c, fork and
 * exec.
 *
 * An entry stands for the generations from its number up to the next entry's. Entries with nothing
 * alive are dropped, but for the newest. When there are GENERATIONS_MAX, every second one of the
 * middle is joined with the one before it: the oldest few keep their exact start (the age of the
 * oldest block), the newer half stays exact (whether the blocks from before the middle of the leak
 * window survive).
 *
 * Invariant: numbers increase; the sum of `alive` is the number of outstanding blocks of the site.
 * A birth that comes late may make an entry inside one that was joined; a death then takes from the
 * nearest entry that has blocks: the sum is exact always, the place nearly so.
 */
#include "generations.h"
#include <stdlib.h>
#include <string.h>

#define GENERATIONS_MAX	  96u
#define GENERATIONS_EXACT 8u /* oldest entries that are never joined */

void generations_done(struct generations *g)
{
	free(g->v);
	memset(g, 0, sizeof(*g));
}

void generations_clear(struct generations *g)
{
	g->count = 0;
}

/* Index of the entry that stands for `number`; -1: older than all. */
static int64_t entry_of(const struct generations *g, uint32_t number)
{
	uint32_t low = 0, high = g->count;

	if (high && g->v[high - 1].number <= number)
		return high - 1;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (g->v[middle].number <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return (int64_t)low - 1;
}

static void join_middle(struct generations *g)
{
	uint32_t to = GENERATIONS_EXACT, from;

	for (from = to; from + 1 < GENERATIONS_EXACT + GENERATIONS_MAX / 2; from += 2) {
		g->v[to] = g->v[from];
		g->v[to++].alive += g->v[from + 1].alive;
	}
	memmove(&g->v[to], &g->v[from], (g->count - from) * sizeof(*g->v));
	g->count -= from - to;
}

static bool reserve_one(struct generations *g)
{
	uint32_t capacity = g->capacity ? g->capacity * 2 : 2;
	struct generation *v;

	if (g->count < g->capacity)
		return true;
	if (capacity > GENERATIONS_MAX)
		capacity = GENERATIONS_MAX;
	v = realloc(g->v, capacity * sizeof(*v));
	if (!v)
		return false;
	g->v = v;
	g->capacity = capacity;
	return true;
}

static bool add_entry(struct generations *g, uint32_t number)
{
	uint32_t i;

	/* The newest entry is kept when it empties, until a newer one comes. */
	if (g->count && !g->v[g->count - 1].alive && g->v[g->count - 1].number < number) {
		g->v[g->count - 1].number = number;
		return true;
	}
	if (g->count == GENERATIONS_MAX)
		join_middle(g);
	if (!reserve_one(g))
		return false;
	i = (uint32_t)(entry_of(g, number) + 1);
	memmove(&g->v[i + 1], &g->v[i], (g->count - i) * sizeof(*g->v));
	g->v[i] = (struct generation){.number = number};
	g->count++;
	return true;
}

bool generations_born_any(struct generations *g, uint32_t number)
{
	int64_t i = entry_of(g, number);
	bool ok = true;

	if (i < 0 || g->v[i].number != number) {
		ok = add_entry(g, number);
		i = entry_of(g, number);
	}
	if (i < 0)
		i = 0;
	if (g->count)
		g->v[i].alive++;
	return ok;
}

void generations_gone_any(struct generations *g, uint32_t number)
{
	int64_t i = entry_of(g, number);

	while (i >= 0 && !g->v[i].alive)
		i--;
	if (i < 0)
		for (i = 0; i < g->count && !g->v[i].alive;)
			i++;
	if (i == g->count)
		return; /* its birth found no memory */
	g->v[i].alive--;
	if (!g->v[i].alive && i + 1 < g->count) {
		memmove(&g->v[i], &g->v[i + 1], (g->count - i - 1) * sizeof(*g->v));
		g->count--;
	}
}

bool generations_oldest(const struct generations *g, uint32_t *number)
{
	*number = 0;
	for (uint32_t i = 0; i < g->count; i++) {
		if (g->v[i].alive) {
			*number = g->v[i].number;
			return true;
		}
	}
	return false;
}

uint64_t generations_older(const struct generations *g, uint32_t number)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < g->count && g->v[i].number < number; i++)
		sum += g->v[i].alive;
	return sum;
}

bool generations_copy(struct generations *to, const struct generations *from)
{
	memset(to, 0, sizeof(*to));
	if (!from->count)
		return true;
	to->v = malloc(from->count * sizeof(*to->v));
	if (!to->v)
		return false;
	memcpy(to->v, from->v, from->count * sizeof(*to->v));
	to->count = to->capacity = from->count;
	return true;
}

uint32_t generations_median(const struct generations *g)
{
	uint64_t half = (generations_older(g, UINT32_MAX) + 1) / 2, sum = 0;

	for (uint32_t i = 0; i < g->count; i++) {
		sum += g->v[i].alive;
		if (sum && sum >= half)
			return g->v[i].number;
	}
	return 0;
}
