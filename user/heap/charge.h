/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of heap/: a block more, a block less, in the figures of its site and its process. Every event does it, so it is
 * inline; the rules are those of sites.c. */
#ifndef HEAP_CHARGE_H
#define HEAP_CHARGE_H

#include "tables.h"

static inline void totals_alloc(struct totals *t, uint64_t bytes, uint64_t count)
{
	t->outstanding_bytes += bytes;
	t->outstanding_count += count;
	t->alloc_bytes += bytes;
	t->alloc_count += count;
	/* no branch: nothing foretells it */
	t->peak_bytes = t->outstanding_bytes > t->peak_bytes ? t->outstanding_bytes : t->peak_bytes;
}

static inline void totals_free(struct totals *t, uint64_t bytes, uint64_t count)
{
	t->outstanding_bytes -= bytes;
	t->outstanding_count -= count;
	t->free_bytes += bytes;
	t->free_count += count;
}

static inline void touch(struct heap *h, struct site *s, uint64_t time_ns)
{
	s->inherited = false;
	if (!s->version)
		s->first_ns = time_ns;
	if (time_ns > s->last_ns)
		s->last_ns = time_ns;
	s->version = h->version;
}

/* One block more, that was born before. */
static inline __attribute__((always_inline)) void sites_alloc_at(struct heap *h,
								 struct heap_process *p,
								 uint32_t site, struct weight w,
								 uint64_t born_ns, uint64_t time_ns)
{
	struct site *s = site_at(h, site);

	touch(h, s, time_ns);
	totals_alloc(&s->totals, w.bytes, w.count);
	totals_alloc(totals_of(p, s), w.bytes, w.count);
	if (is_carried(h, born_ns))
		windows_add(h, s, w, born_ns);
	if (!generations_born(&s->generations, generation_now(h, born_ns)))
		p->counts[COUNTER_NO_MEMORY]++;
}

/* One block more at the site and its process. */
static inline void sites_alloc(struct heap *h, struct heap_process *p, uint32_t site,
			       struct weight w, uint64_t time_ns)
{
	sites_alloc_at(h, p, site, w, time_ns, time_ns);
}

/* One block, or (count 0) a piece of one, less. */
static inline __attribute__((always_inline)) void sites_free(struct heap *h, struct heap_process *p,
							     uint32_t site, struct weight w,
							     uint64_t born_ns, uint64_t time_ns)
{
	struct site *s = site_at(h, site);

	touch(h, s, time_ns);
	totals_free(&s->totals, w.bytes, w.count);
	totals_free(totals_of(p, s), w.bytes, w.count);
	if (is_carried(h, born_ns))
		windows_take(h, s, w, born_ns);
	if (w.count)
		generations_gone(&s->generations, generation_at(h, born_ns));
}

#endif /* HEAP_CHARGE_H */
