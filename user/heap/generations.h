/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many outstanding blocks of a site were born in which generation (leak interval), so that the age of the oldest one needs
 * no walk over blocks: a counter for each of the last few generations, those before sparse and sorted. Long histories are thinned
 * in the middle: the oldest generations keep their exact start. Zero-initialised is empty. One
 * thread at a time.
 */
#ifndef HEAP_GENERATIONS_H
#define HEAP_GENERATIONS_H

#include <stdbool.h>
#include <stdint.h>

struct generation {
	uint32_t number; /* first generation that this entry stands for */
	uint32_t last;	 /* the last one of which blocks have been counted here */
	uint64_t alive;
};

#define GENERATIONS_RECENT 8u

struct generations {
	struct generation *v; /* of those before the recent ones */
	uint32_t newest;
	uint16_t count, capacity;
	uint64_t recent
		[GENERATIONS_RECENT]; /* alive of `newest` and those before it, by number modulo */
};

void generations_done(struct generations *g);
/* False when out of memory: then ages are of another entry. */
bool generations_born_any(struct generations *g, uint32_t number);
void generations_gone_any(struct generations *g, uint32_t number);

static inline bool generations_is_recent(const struct generations *g, uint32_t number)
{
	return (uint64_t)g->newest - number < GENERATIONS_RECENT;
}

static inline bool generations_born(struct generations *g, uint32_t number)
{
	if (!generations_is_recent(g, number))
		return generations_born_any(g, number);
	g->recent[number % GENERATIONS_RECENT]++;
	return true;
}

static inline void generations_gone(struct generations *g, uint32_t number)
{
	if (generations_is_recent(g, number) && g->recent[number % GENERATIONS_RECENT])
		g->recent[number % GENERATIONS_RECENT]--;
	else
		generations_gone_any(g, number);
}

/* Many at once; which of the blocks go is not known: it is taken that the youngest do. */
bool generations_born_many(struct generations *g, uint32_t number, uint64_t count);
/* As many as there are at most. Returns how many of them were born in generations before `elders`. */
uint64_t generations_gone_youngest(struct generations *g, uint64_t count, uint32_t elders);

/* Number of the oldest generation with outstanding blocks; false when there is none. */
bool generations_oldest(const struct generations *g, uint32_t *number);
/* Outstanding blocks born in generations before `number`. */
uint64_t generations_older(const struct generations *g, uint32_t number);
/* The next generation with outstanding blocks, the oldest first; *at is 0 in the beginning. False: there is none. */
bool generations_next(const struct generations *g, uint32_t *at, struct generation *one);
/* The generation of the block in the middle, when they are sorted by age; 0 when there is none. */
uint32_t generations_median(const struct generations *g);
void generations_clear(struct generations *g);
/* False when out of memory (then *to is empty). *to is overwritten. */
bool generations_copy(struct generations *to, const struct generations *from);

#endif /* HEAP_GENERATIONS_H */
