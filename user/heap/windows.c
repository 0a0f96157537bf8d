/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracing in time windows. Blocks stay in the tables when their window ends, because what happens at their address in a later
 * one proves that they are gone: a free, or another block there. So nothing is closed between two windows; each site
 * only knows how much of what is outstanding it carries over. Those were seen with the probability that their birth was, and are
 * scaled by it; blocks of the window itself are all there are.
 *
 * What spans two windows proves nothing about probes: an address that is handed out or freed twice, a block that was the last one
 * of its thread.
 *
 * Invariant: `previous` and `older` are the sums over the site's blocks that were born before h->window_ns, at or after
 * h->window_before_ns and before it, and so never more than what is outstanding.
 */
#include "tables.h"
#include <stdlib.h>
#include <string.h>

static struct carried *carried_of(const struct heap *h, struct site *s, uint64_t born_ns)
{
	return born_ns < h->window_before_ns ? &s->older : &s->previous;
}

void windows_add(const struct heap *h, struct site *s, struct weight w, uint64_t born_ns)
{
	struct carried *c = carried_of(h, s, born_ns);

	c->bytes += w.bytes;
	c->count += w.count;
}

void windows_take(const struct heap *h, struct site *s, struct weight w, uint64_t born_ns)
{
	struct carried *c = carried_of(h, s, born_ns);

	c->bytes -= w.bytes;
	c->count -= w.count;
}

/* What comes in bulk goes on between two windows. */
static struct carried in_bulk(const struct heap *h, const struct site *s)
{
	return s->bulk ? bulk_at(h, s->bulk)->alive : (struct carried){0};
}

static void carry(const struct heap *h, struct site *s)
{
	struct carried alive = in_bulk(h, s);

	s->older.bytes += s->previous.bytes;
	s->older.count += s->previous.count;
	s->previous.bytes = s->totals.outstanding_bytes - s->older.bytes - alive.bytes;
	s->previous.count = s->totals.outstanding_count - s->older.count - alive.count;
}

void heap_window_begin(struct heap *h, uint64_t now_ns)
{
	for (uint32_t i = 1; i <= h->sites.count; i++)
		carry(h, site_at(h, i));
	for (uint32_t i = 1; i <= h->process_count; i++) {
		struct heap_process *p = h->processes[i];

		memset(p->last, 0, sizeof(p->last));
		free(p->repeats);
		p->repeats = NULL;
	}
	h->window_before_ns = h->window_ns;
	/* all that was applied is of before, whatever the clock says */
	h->window_ns = now_ns > h->now_ns ? now_ns : h->now_ns + 1;
}

void heap_window_sums(const struct heap *h, struct window_sums *sums)
{
	*sums = (struct window_sums){0};
	for (uint32_t i = 1; i <= h->sites.count; i++) {
		const struct site *s = site_at(h, i);

		if (s->bulk)
			continue;
		sums->alloc_bytes += s->totals.alloc_bytes;
		sums->alloc_count += s->totals.alloc_count;
		sums->fresh_bytes +=
			s->totals.outstanding_bytes - s->previous.bytes - s->older.bytes;
		sums->fresh_count +=
			s->totals.outstanding_count - s->previous.count - s->older.count;
	}
}
