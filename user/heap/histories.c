// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which lifetimes a site has. Of very many sites most allocate once and never again, and what is known of their one block is its size: so they
 * share lifetimes with all others whose block was as large. The second block, or the first that is freed, gives a site lifetimes of its
 * own. Those have a place by the site's number, so that they are found without looking at the site; until it is written it takes no memory.
 *
 * Invariant: shared lifetimes 0 are all zeros, 1 + k has one block in bucket k of the sizes; none is ever written.
 */
#include <stdlib.h>
#include "tables.h"

bool histories_init(struct heap *h)
{
	h->shared = calloc(LIFETIMES_SHARED, sizeof(*h->shared));
	if (!h->shared)
		return false;
	for (uint32_t k = 0; k < HISTOGRAM_BUCKETS; k++)
		h->shared[1 + k].sizes.v[k] = 1;
	return true;
}

const struct lifetimes *histories_read(const struct heap *h, uint32_t site)
{
	uint8_t which = site_at(h, site)->lifetimes;

	return which == LIFETIMES_OWN ? lifetimes_at(h, site) : &h->shared[which];
}

struct lifetimes *histories_own(struct heap *h, uint32_t site)
{
	struct lifetimes *l = lifetimes_at(h, site);
	struct site *s = site_at(h, site);

	if (s->lifetimes == LIFETIMES_OWN)
		return l;
	*l = h->shared[s->lifetimes];
	s->lifetimes = LIFETIMES_OWN;
	h->own_lifetimes++;
	return l;
}

void histories_begin(struct heap *h, uint32_t site, uint32_t bucket, uint64_t count)
{
	struct site *s = site_at(h, site);

	if (!s->lifetimes && count == 1)
		s->lifetimes = (uint8_t)(1 + bucket);
	else
		histogram_add(&histories_own(h, site)->sizes, bucket, count);
}

void histories_end(struct heap *h, uint32_t site, uint32_t bucket, uint64_t count)
{
	histogram_add(&histories_own(h, site)->ages, bucket, count);
}

/* The shared one that is the same; false: there is none. */
static bool find_shared(const struct lifetimes *like, uint8_t *which)
{
	uint64_t blocks = histogram_total(&like->sizes);
	uint32_t k = 0;

	if (blocks > 1 || histogram_total(&like->ages))
		return false;
	while (k < HISTOGRAM_BUCKETS && !like->sizes.v[k])
		k++;
	*which = blocks ? (uint8_t)(1 + k) : 0;
	return true;
}

void histories_restore(struct heap *h, uint32_t site, const struct lifetimes *like)
{
	struct site *s = site_at(h, site);

	if (s->lifetimes == LIFETIMES_OWN || !find_shared(like, &s->lifetimes))
		*histories_own(h, site) = *like;
}
