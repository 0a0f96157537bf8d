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

static inline void touch_at(struct site *s, uint64_t version, uint64_t time_ns)
{
	s->inherited = false;
	if (!s->version)
		s->first_ns = time_ns;
	s->last_ns = time_ns > s->last_ns ? time_ns : s->last_ns;
	s->version = version;
}

static inline void touch(struct heap *h, struct site *s, uint64_t time_ns)
{
	touch_at(s, h->version, time_ns);
}

/*
 * What each site had at the peak of its process, without looking at the others: a peak is over with the first free after
 * it, and a site notes what it had before its own first change since. What has not changed since then is still as it was.
 */
static inline void note_peak(struct heap_process *p, struct site *s)
{
	uint32_t number = p->peaks[s->range].number;

	if (s->peak == number)
		return;
	s->peak = number;
	s->peak_bytes = s->totals.outstanding_bytes;
}

static inline void end_peak(struct heap_process *p, struct site *s, uint64_t time_ns)
{
	const struct totals *t = totals_of(p, s);
	struct process_peak *peak = &p->peaks[s->range];

	if (t->outstanding_bytes == t->peak_bytes) {
		peak->number++;
		peak->time_ns = time_ns;
	}
	note_peak(p, s);
}

/* One block more, that was born before. */
static inline __attribute__((always_inline)) void sites_alloc_at(struct heap *h,
								 struct heap_process *p,
								 uint32_t site, struct weight w,
								 uint64_t born_ns, uint64_t time_ns)
{
	struct site *s = site_at(h, site);

	touch(h, s, time_ns);
	note_peak(p, s);
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
	end_peak(p, s, time_ns);
	totals_free(&s->totals, w.bytes, w.count);
	totals_free(totals_of(p, s), w.bytes, w.count);
	if (is_carried(h, born_ns))
		windows_take(h, s, w, born_ns);
	if (w.count)
		generations_gone(&s->generations, generation_at(h, born_ns));
}

static inline void count_size(struct heap *h, const struct site *s, uint32_t site, uint32_t bucket,
			      uint64_t count)
{
	if (__builtin_expect(s->lifetimes == LIFETIMES_OWN, 1))
		histogram_add(&lifetimes_at(h, site)->sizes, bucket, count);
	else
		histories_begin(h, site, bucket, count);
}

static inline void count_age(struct heap *h, const struct site *s, uint32_t site, uint32_t bucket,
			     uint64_t count)
{
	if (__builtin_expect(s->lifetimes == LIFETIMES_OWN, 1))
		histogram_add(&lifetimes_at(h, site)->ages, bucket, count);
	else
		histories_end(h, site, bucket, count);
}

static inline void note_age(const struct heap *h, struct site *s, uint64_t age)
{
	s->elder_frees += age >= h->elder_ns;
	s->longest_ns = age > s->longest_ns ? age : s->longest_ns;
}

/* A block begins and ends. What is only resized does neither. */
static inline void lifetimes_begin(struct heap *h, uint32_t site, uint64_t bytes, uint64_t count)
{
	count_size(h, site_at(h, site), site, histogram_bucket(bytes), count);
}

static inline void lifetimes_end(struct heap *h, uint32_t site, uint64_t born_ns, uint64_t time_ns,
				 uint64_t count)
{
	uint64_t age = lifetimes_age(born_ns, time_ns);

	struct site *s = site_at(h, site);

	note_age(h, s, age);
	count_age(h, s, site, lifetimes_age_bucket(age), count);
}

#endif /* HEAP_CHARGE_H */
