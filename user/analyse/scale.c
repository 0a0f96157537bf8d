/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * allocated    seen * scale: each birth was seen with the probability that its moment was covered
 * outstanding  of the newest window as it is, of earlier ones what is carried over, scaled: not known to be gone. An upper
 *              bound, because what went unseen is found out only when its address is used again in a window.
 * freed        the difference
 * peak         at least what is outstanding
 *
 * A site in bulk is what a runtime counts of itself all the time: as it is.
 */
#include "scale.h"
#include <math.h>
#include <string.h>

static uint64_t scaled(uint64_t value, double scale)
{
	double v = (double)value * scale;

	return v < 0x1p63 ? (uint64_t)llround(v) : 1ull << 63;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t estimate(uint64_t seen, uint64_t previous, uint64_t older,
			 const struct coverage_figures *c)
{
	return seen - previous - older + scaled(previous, c->scale_previous) +
	       scaled(older, c->scale_older);
}

struct totals scale_site(const struct site *s, const struct coverage_figures *c)
{
	struct totals t = s->totals;

	if (!c->partial || s->bulk)
		return t;
	t.alloc_bytes = scaled(t.alloc_bytes, c->scale);
	t.alloc_count = scaled(t.alloc_count, c->scale);
	t.outstanding_bytes = estimate(t.outstanding_bytes, s->previous.bytes, s->older.bytes, c);
	t.outstanding_count = estimate(t.outstanding_count, s->previous.count, s->older.count, c);
	t.outstanding_bytes = smaller(t.outstanding_bytes, t.alloc_bytes);
	t.outstanding_count = smaller(t.outstanding_count, t.alloc_count);
	t.free_bytes = t.alloc_bytes - t.outstanding_bytes;
	t.free_count = t.alloc_count - t.outstanding_count;
	t.temporary_count = smaller(scaled(t.temporary_count, c->scale), t.free_count);
	if (t.peak_bytes < t.outstanding_bytes)
		t.peak_bytes = t.outstanding_bytes;
	return t;
}

static void begin_process(struct snapshot_process *p)
{
	uint64_t peak = p->totals.peak_bytes;

	memset(&p->totals, 0, sizeof(p->totals));
	p->totals.peak_bytes = peak;
	p->ranges_bytes = 0;
	p->heap_alloc_count = p->heap_free_count = 0;
}

static void add_site(struct snapshot_process *p, const struct snapshot_site *site)
{
	totals_add(&p->totals, &site->totals);
	if (p->totals.peak_bytes < p->totals.outstanding_bytes)
		p->totals.peak_bytes = p->totals.outstanding_bytes;
	if (site->range) {
		p->ranges_bytes += site->totals.outstanding_bytes;
	} else {
		p->heap_alloc_count += site->totals.alloc_count;
		p->heap_free_count += site->totals.free_count;
	}
}

void snapshot_sum(struct snapshot *s, const struct coverage_figures *coverage)
{
	s->coverage = *coverage;
	if (!coverage->partial)
		return;
	for (size_t i = 0; i < s->process_count; i++)
		begin_process(&s->processes[i]);
	for (size_t i = 0; i < s->site_count; i++)
		add_site(&s->processes[s->sites[i].process], &s->sites[i]);
}

void snapshot_scale(struct snapshot *s, struct heap *h, const struct coverage_figures *coverage)
{
	for (size_t i = 0; i < s->site_count; i++)
		s->sites[i].totals = scale_site(heap_site(h, s->sites[i].site), coverage);
	snapshot_sum(s, coverage);
}
