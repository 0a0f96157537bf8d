/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frees of blocks that were not seen allocated. From before the attach, each of them is freed once;
 * the second time, there was an allocation in between that was missed. Direct-mapped: an address
 * that is forgotten for another one makes the count too low, never too high.
 *
 * Invariant: a slot holds an address of its own, of which an unknown free was seen since the last
 * exec.
 */
#include "tables.h"
#include <stdlib.h>

#define SLOTS 1024u

struct repeats {
	uint64_t freed[SLOTS];
};

void repeats_note(struct heap *h, struct heap_process *p, uint64_t address)
{
	uint64_t *slot;

	if (!h->complete)
		return;
	if (!p->repeats)
		p->repeats = calloc(1, sizeof(*p->repeats));
	if (!p->repeats)
		return;
	slot = &p->repeats->freed[((address >> 4) * 0x9e3779b97f4a7c15ull) >> 54];
	if (*slot == address)
		p->counts[COUNTER_MISSED_ALLOC]++;
	*slot = address;
}
