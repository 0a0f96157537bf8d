/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many outstanding blocks of a site were born in which generation (leak interval), sparse and
 * sorted, so that the age of the oldest one needs no walk over blocks. Long histories are thinned
 * in the middle: the oldest generations keep their exact start. Zero-initialised is empty. One
 * thread at a time.
 */
#ifndef HEAP_GENERATIONS_H
#define HEAP_GENERATIONS_H

#include <stdbool.h>
#include <stdint.h>

struct generation {
	uint32_t number; /* first generation that this entry stands for */
	uint32_t pad;
	uint64_t alive;
};

struct generations {
	struct generation *v;
	uint32_t count, capacity;
};

void generations_done(struct generations *g);
/* False when out of memory: then ages are of the entry before. */
bool generations_born_any(struct generations *g, uint32_t number);
void generations_gone_any(struct generations *g, uint32_t number);

/* Nearly all births are in the newest generation. */
static inline bool generations_born(struct generations *g, uint32_t number)
{
	if (!g->count || g->v[g->count - 1].number != number)
		return generations_born_any(g, number);
	g->v[g->count - 1].alive++;
	return true;
}

/*
 * Most sites have blocks of every generation from the oldest to the newest, so that a number says where its entry is. An
 * entry that empties is the other case's, unless it is the newest.
 */
static inline void generations_gone(struct generations *g, uint32_t number)
{
	uint32_t last = g->count - 1;
	uint32_t at = last - (g->count ? g->v[last].number - number : 0);

	if (at < g->count && g->v[at].number == number && g->v[at].alive > (at != last))
		g->v[at].alive--;
	else
		generations_gone_any(g, number);
}

/* Number of the oldest generation with outstanding blocks; false when there is none. */
bool generations_oldest(const struct generations *g, uint32_t *number);
/* Outstanding blocks born in generations before `number`. */
uint64_t generations_older(const struct generations *g, uint32_t number);
/* The generation of the block in the middle, when they are sorted by age; 0 when there is none. */
uint32_t generations_median(const struct generations *g);
void generations_clear(struct generations *g);
/* False when out of memory (then *to is empty). *to is overwritten. */
bool generations_copy(struct generations *to, const struct generations *from);

#endif /* HEAP_GENERATIONS_H */
