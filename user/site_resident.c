/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "site_resident.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "consumer.h"

/* A read of the page map for each block that lies alone, about a microsecond; 8 bytes for each page. */
#define BLOCKS_MAX 16384
#define PAGES_MAX  65536

static struct tracked *find_process(struct tracker *t, const struct snapshot_site *site)
{
	uint32_t number;

	consumer_lock(t->consumer);
	number = heap_process(t->heap, heap_site(t->heap, site->site)->process)->number;
	consumer_unlock(t->consumer);
	return tracker_find_number(t, number);
}

bool site_resident(struct tracker *t, const struct snapshot_site *site,
		   const struct report_block *blocks, size_t count, struct resident *r)
{
	const struct tracked *p = find_process(t, site);
	struct resident_block *v;
	size_t i;
	int err;

	if (!p || p->ended)
		return false;
	if (count > BLOCKS_MAX)
		count = BLOCKS_MAX;
	v = xcalloc(count + 1, sizeof(*v));
	for (i = 0; i < count; i++)
		v[i] = (struct resident_block){.address = blocks[i].address,
					       .bytes = blocks[i].bytes};
	err = resident_read(p->pid, v, count, PAGES_MAX, r);
	free(v);
	return !err && r->looked_blocks;
}
