/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outstanding blocks of a site by the generation they were born in. Written by sites.c, fork and
 * exec.
 *
 * Nearly all events are of the recent generations, which have a counter each, next to the site's other figures. What leaves
 * them goes to a sorted array, where an entry stands for the generations from its number up to the next entry's. Entries with nothing
 * alive are dropped. When there are GENERATIONS_MAX, every second one of the
 * middle is joined with the one before it: the oldest few keep their exact start (the age of the
 * oldest block), the newer half stays exact (whether the blocks from before the middle of the leak
 * window survive).
 *
 * Invariant: numbers increase and are below the recent ones; the sum of `alive` and `recent` is the number of outstanding blocks of the site.
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
	memset(g->recent, 0, sizeof(g->recent));
}

static uint32_t oldest_recent(const struct generations *g)
{
	return g->newest < GENERATIONS_RECENT ? 0 : g->newest - GENERATIONS_RECENT + 1;
}

static uint64_t *recent_of(struct generations *g, uint32_t number)
{
	return &g->recent[number % GENERATIONS_RECENT];
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
		g->v[to].last = g->v[from + 1].last;
		g->v[to++].alive += g->v[from + 1].alive;
	}
	memmove(&g->v[to], &g->v[from], (g->count - from) * sizeof(*g->v));
	g->count = (uint16_t)(g->count - (from - to));
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
	g->capacity = (uint16_t)capacity;
	return true;
}

/* False: no memory. */
static bool add_entry(struct generations *g, uint32_t number, uint64_t alive)
{
	int64_t i = entry_of(g, number);

	if (i >= 0 && g->v[i].number == number) {
		g->v[i].alive += alive;
		return true;
	}
	if (g->count == GENERATIONS_MAX) {
		join_middle(g);
		i = entry_of(g, number);
	}
	if (!reserve_one(g))
		return false;
	i++;
	memmove(&g->v[i + 1], &g->v[i], (size_t)(g->count - i) * sizeof(*g->v));
	g->v[i] = (struct generation){.number = number, .last = number, .alive = alive};
	g->count++;
	return true;
}

/* A newer generation begins. Without memory, what is not recent any more counts as of the new one. */
static bool advance(struct generations *g, uint32_t number)
{
	uint32_t from = oldest_recent(g), to = g->newest;
	uint64_t left = 0;

	for (uint32_t n = from; n <= to && number - n >= GENERATIONS_RECENT; n++) {
		uint64_t alive = *recent_of(g, n);

		*recent_of(g, n) = 0;
		if (alive && !add_entry(g, n, alive))
			left += alive;
	}
	g->newest = number;
	*recent_of(g, number) += left;
	return !left;
}

bool generations_born_any(struct generations *g, uint32_t number)
{
	bool ok = true;

	if (number > g->newest)
		ok = advance(g, number);
	else if (!generations_is_recent(g, number)) {
		if (add_entry(g, number, 1))
			return true;
		ok = false;
		number = oldest_recent(g);
	}
	(*recent_of(g, number))++;
	return ok;
}

bool generations_born_many(struct generations *g, uint32_t number, uint64_t count)
{
	bool ok = true;

	if (number > g->newest)
		ok = advance(g, number);
	if (!generations_is_recent(g, number)) {
		if (add_entry(g, number, count))
			return ok;
		ok = false;
		number = oldest_recent(g);
	}
	*recent_of(g, number) += count;
	return ok;
}

static uint64_t take_most(uint64_t *alive, uint64_t wanted)
{
	uint64_t taken = *alive < wanted ? *alive : wanted;

	*alive -= taken;
	return taken;
}

uint64_t generations_gone_youngest(struct generations *g, uint64_t count, uint32_t elders)
{
	uint64_t old = 0, taken;
	int64_t n;

	for (n = g->newest; count && n >= oldest_recent(g); n--) {
		taken = take_most(recent_of(g, (uint32_t)n), count);
		old += n < elders ? taken : 0;
		count -= taken;
	}
	while (count && g->count) {
		struct generation *last = &g->v[g->count - 1];

		taken = take_most(&last->alive, count);
		old += last->number < elders ? taken : 0;
		count -= taken;
		g->count = (uint16_t)(g->count - !last->alive);
	}
	return old;
}

static void take_from_entry(struct generations *g, uint32_t number)
{
	int64_t i = entry_of(g, number);

	i = i < 0 ? 0 : i;
	g->v[i].alive--;
	if (g->v[i].alive)
		return;
	g->count--;
	memmove(&g->v[i], &g->v[i + 1], (size_t)(g->count - i) * sizeof(*g->v));
}

/* Takes from the last one in [from, to] that has blocks; false: none. */
static bool take_from_recent(struct generations *g, uint32_t from, uint32_t to)
{
	for (int64_t n = to; n >= from; n--) {
		if (*recent_of(g, (uint32_t)n)) {
			(*recent_of(g, (uint32_t)n))--;
			return true;
		}
	}
	return false;
}

void generations_gone_any(struct generations *g, uint32_t number)
{
	uint32_t oldest = oldest_recent(g);

	if (number > g->newest)
		number = g->newest;
	if (take_from_recent(g, oldest, number))
		return;
	if (g->count)
		take_from_entry(g, number);
	else
		take_from_recent(g, oldest, g->newest); /* none: its birth found no memory */
}

bool generations_oldest(const struct generations *g, uint32_t *number)
{
	*number = 0;
	if (g->count) {
		*number = g->v[0].number;
		return true;
	}
	for (uint32_t n = oldest_recent(g), k = 0; k < GENERATIONS_RECENT; n++, k++) {
		if (g->recent[n % GENERATIONS_RECENT]) {
			*number = n;
			return true;
		}
	}
	return false;
}

bool generations_next(const struct generations *g, uint32_t *at, struct generation *one)
{
	for (; *at < g->count + GENERATIONS_RECENT; (*at)++) {
		uint32_t number = oldest_recent(g) + *at - g->count;

		if (*at < g->count)
			*one = g->v[*at];
		else if (number <= g->newest)
			*one = (struct generation){.number = number,
						   .last = number,
						   .alive = g->recent[number % GENERATIONS_RECENT]};
		else
			break;
		if (one->alive)
			return (*at)++, true;
	}
	return false;
}

uint64_t generations_older(const struct generations *g, uint32_t number)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < g->count && g->v[i].number < number; i++)
		sum += g->v[i].alive;
	for (uint32_t n = oldest_recent(g), k = 0; k < GENERATIONS_RECENT && n < number; n++, k++)
		sum += g->recent[n % GENERATIONS_RECENT];
	return sum;
}

bool generations_copy(struct generations *to, const struct generations *from)
{
	struct generation *v = NULL;

	if (from->count) {
		v = malloc(from->count * sizeof(*v));
		if (!v) {
			memset(to, 0, sizeof(*to));
			return false;
		}
		memcpy(v, from->v, from->count * sizeof(*v));
	}
	*to = *from;
	to->v = v;
	to->capacity = to->count;
	return true;
}

uint32_t generations_median(const struct generations *g)
{
	uint64_t half = (generations_older(g, UINT32_MAX) + 1) / 2, sum = 0;
	struct generation one;
	uint32_t at = 0;

	while (generations_next(g, &at, &one)) {
		sum += one.alive;
		if (sum >= half)
			return one.number;
	}
	return 0;
}
