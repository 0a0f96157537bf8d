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
bool generations_born(struct generations *g, uint32_t number);
void generations_gone(struct generations *g, uint32_t number);
/* Number of the oldest generation with outstanding blocks; false when there is none. */
bool generations_oldest(const struct generations *g, uint32_t *number);
/* Outstanding blocks born in generations before `number`. */
uint64_t generations_older(const struct generations *g, uint32_t number);
void generations_clear(struct generations *g);
/* False when out of memory (then *to is empty). *to is overwritten. */
bool generations_copy(struct generations *to, const struct generations *from);

#endif /* HEAP_GENERATIONS_H */
