/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each site had at the last samples: a bounded number of them, the older ones as one value. What
 * takes a heap needs the lock of its owner.
 */
#ifndef ANALYSE_HISTORY_H
#define ANALYSE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>
#include "../heap/heap.h"
#include "coverage.h"

/* A site at a sample before which it had changed. */
struct history_point {
	uint32_t site;
	uint32_t generation; /* that of the time when it was taken */
	uint64_t bytes;
	uint64_t blocks; /* recorded ones: unlike counts they are never scaled */
	uint64_t older;	 /* of them, born before that generation */
	uint64_t allocs; /* so far, at the sample before */
};

struct history_column;
struct history_site;

struct history {
	uint32_t capacity; /* samples kept */
	uint32_t samples; /* taken so far; sample n is one of the kept while n >= history_first() */
	uint64_t *times;
	struct history_column *columns;
	struct history_site *sites; /* by heap index */
	uint32_t site_capacity;
};

/* 0 or -ENOMEM. */
int history_init(struct history *h, uint32_t capacity);
void history_done(struct history *h);

/*
 * A sample in pieces: begin, fill sites [from, to] until each of [1, sites] had its turn, in their order, end.
 * Only filling needs the heap. 0 or -ENOMEM (then some sites have their change at a later sample).
 */
int history_begin(struct history *h, uint32_t sites, uint64_t now_ns);
int history_fill(struct history *h, struct heap *heap, const struct coverage_figures *coverage,
		 uint32_t from, uint32_t to, uint64_t now_ns);
void history_end(struct history *h);
/* All of that at once. */
int history_sample(struct history *h, struct heap *heap, const struct coverage_figures *coverage,
		   uint64_t now_ns);

static inline uint32_t history_first(const struct history *h)
{
	return h->samples > h->capacity ? h->samples - h->capacity : 0;
}

static inline uint64_t history_time(const struct history *h, uint32_t sample)
{
	return h->times[sample % h->capacity];
}

/*
 * The value of a site at one of the kept samples; NULL: it had none yet. Borrowed until the next sample.
 * Cheapest when sites are asked for in their order.
 */
const struct history_point *history_find(struct history *h, uint32_t site, uint32_t sample);
/* The site's allocations up to then. */
uint64_t history_allocs(struct history *h, uint32_t site, uint32_t sample);
/* Samples since the site was first seen to change, that one included; 0: it was not. */
uint32_t history_watched(const struct history *h, uint32_t site);

#endif /* ANALYSE_HISTORY_H */
