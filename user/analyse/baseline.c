/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The change of a row is its figures now less those that all sites behind it had at the baseline. Invariant: over all rows of
 * a process the changes add up to the process's own, unless it has run another program since (then its sites of before are
 * in no snapshot any more).
 */
#include "baseline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "snapshot.h"

static double variance_of(const struct uncertain *u)
{
	return u ? errors_of(&u->errors, FIGURE_OUTSTANDING).bytes_variance : 0;
}

static uint32_t most_site(const struct snapshot *s)
{
	uint32_t most = 0;

	for (size_t i = 0; i < s->site_count; i++) {
		if (s->sites[i].site > most)
			most = s->sites[i].site;
	}
	return most;
}

static uint32_t most_process(const struct snapshot *s)
{
	uint32_t most = 0;

	for (size_t i = 0; i < s->process_count; i++) {
		if (s->processes[i].index > most)
			most = s->processes[i].index;
	}
	return most;
}

void baseline_reset(struct baseline *b)
{
	free(b->sites);
	free(b->processes);
	free(b->memory);
	*b = (struct baseline){0};
}

int baseline_take(struct baseline *b, const struct snapshot *s)
{
	baseline_reset(b);
	b->site_count = most_site(s) + 1;
	b->process_count = most_process(s) + 1;
	b->sites = calloc(b->site_count, sizeof(*b->sites));
	b->processes = calloc(b->process_count, sizeof(*b->processes));
	b->memory = calloc(b->process_count, sizeof(*b->memory));
	if (!b->sites || !b->processes || !b->memory) {
		baseline_reset(b);
		return -ENOMEM;
	}
	for (size_t i = 0; i < s->site_count; i++) {
		const struct snapshot_site *site = &s->sites[i];

		b->sites[site->site] = (struct baseline_figures){
			.totals = site->totals, .variance = variance_of(site->uncertain)};
	}
	for (size_t i = 0; i < s->process_count; i++) {
		const struct snapshot_process *p = &s->processes[i];

		b->processes[p->index] = (struct baseline_figures){
			.totals = p->totals, .variance = variance_of(p->uncertain)};
		b->memory[p->index] = p->beside;
	}
	b->on = true;
	b->elapsed_s = s->elapsed_s;
	b->realtime_ns = s->realtime_ns;
	return 0;
}

static void add_now(struct change *c, const struct totals *t)
{
	c->outstanding_bytes += (int64_t)t->outstanding_bytes;
	c->outstanding_count += (int64_t)t->outstanding_count;
	c->alloc_bytes += (int64_t)t->alloc_bytes;
	c->alloc_count += (int64_t)t->alloc_count;
	c->free_bytes += (int64_t)t->free_bytes;
	c->free_count += (int64_t)t->free_count;
	c->temporary_count += (int64_t)t->temporary_count;
}

static void subtract_then(struct change *c, const struct baseline_figures *f)
{
	const struct totals *t = &f->totals;

	c->outstanding_bytes -= (int64_t)t->outstanding_bytes;
	c->outstanding_count -= (int64_t)t->outstanding_count;
	c->alloc_bytes -= (int64_t)t->alloc_bytes;
	c->alloc_count -= (int64_t)t->alloc_count;
	c->free_bytes -= (int64_t)t->free_bytes;
	c->free_count -= (int64_t)t->free_count;
	c->temporary_count -= (int64_t)t->temporary_count;
	c->variance_then += f->variance;
}

/* Of the rows, from the changes behind those of the processes; by_site: of the row with this heap index. */
static void fill_sites(struct snapshot *s, struct change *changes, struct change **by_site)
{
	for (size_t i = 0; i < s->site_count; i++) {
		s->sites[i].change = &changes[i];
		add_now(&changes[i], &s->sites[i].totals);
		by_site[s->sites[i].site] = &changes[i];
	}
}

/* Unknown when it was, or is: also of a process that is newer. */
static void fill_memory(const struct baseline *b, struct snapshot_process *p)
{
	const struct beside *then = &b->memory[p->index];

	p->since = p->beside;
	p->since.known = p->beside.known && then->known;
	p->since.first = then->now;
	for (int i = 0; i < BESIDE_PARTS; i++)
		p->since.parts[i].first = then->parts[i].now;
}

static void fill_processes(const struct baseline *b, struct snapshot *s, struct change *changes)
{
	for (size_t i = 0; i < s->process_count; i++) {
		struct snapshot_process *p = &s->processes[i];

		p->change = &changes[i];
		add_now(p->change, &p->totals);
		if (p->index >= b->process_count)
			continue;
		subtract_then(p->change, &b->processes[p->index]);
		fill_memory(b, p);
	}
}

int baseline_apply(const struct baseline *b, struct snapshot *s, const uint32_t *primary,
		   uint32_t primary_count)
{
	uint32_t rows = most_site(s) + 1;
	struct change **by_site;

	if (!b->on)
		return 0;
	by_site = calloc(rows, sizeof(*by_site));
	s->changes = calloc(s->process_count + s->site_count + 1, sizeof(*s->changes));
	if (!by_site || !s->changes) {
		free(by_site);
		free(s->changes);
		s->changes = NULL;
		return -ENOMEM;
	}
	fill_processes(b, s, s->changes);
	fill_sites(s, s->changes + s->process_count, by_site);
	for (uint32_t i = 1; i < b->site_count; i++) {
		uint32_t row = primary && i < primary_count && primary[i] ? primary[i] : i;

		if (row < rows && by_site[row])
			subtract_then(by_site[row], &b->sites[i]);
	}
	s->baseline_s = b->elapsed_s;
	free(by_site);
	return 0;
}
