/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the histories and the last judgements say at a moment: rates over the window, verdicts, and the histories themselves. Nothing here
 * changes them.
 */
#include "growth_private.h"

#include <math.h>
#include <string.h>

#define TRUSTED 3u /* samples, before there is a slope */

/* False while there is nothing to compare with. */
static bool view_of(const struct growth *g, uint64_t now_ns, struct view *v)
{
	uint32_t sample = g->samples, first = first_sample(g);
	double least = g->options.interval_s / 2;

	memset(v, 0, sizeof(*v));
	v->now_ns = now_ns;
	while (sample > first && span_seconds(sample_time(g, sample - 1), now_ns) < least)
		sample--;
	if (sample == first)
		return false;
	v->last = v->base = sample - 1;
	v->last_s = span_seconds(sample_time(g, v->last), now_ns);
	while (v->base > first &&
	       span_seconds(sample_time(g, v->base - 1), now_ns) <= g->options.window_s + least)
		v->base--;
	v->window_s = span_seconds(sample_time(g, v->base), now_ns);
	return true;
}

/*
 * Sampled: the error of the change comes from the blocks that made it, those that were born since
 * the base and those that were freed. How many that are is told by generations; the mean of the
 * site's variance for one of them is near enough.
 */
static void fill_uncertain(const struct heap *h, const struct view *v, const struct site *s,
			   const struct series_point *base, struct uncertain *u)
{
	const struct error_sums *all = &u->errors.alloc;
	uint64_t now = generations_older(&s->generations, UINT32_MAX);
	uint64_t then = base ? base->recorded : 0, stayed = 0;
	double window2 = v->window_s * v->window_s, changed;

	if (!all->seen_count)
		return;
	if (base)
		stayed = generations_older(&s->generations, heap_generation(h, base->time_ns));
	if (stayed > then)
		stayed = then;
	changed = (double)(now - stayed) + (double)(then - stayed);
	u->growth_variance = changed * all->bytes_variance / (double)all->seen_count / window2;
	if (all->missing_bytes > 0)
		u->growth_unit = all->bytes_variance / all->missing_bytes / v->window_s;
}

/* Estimates of what only grows may be a little lower than before. */
static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before ? (double)(now - before) / seconds : 0;
}

static const struct series *series_of_site(const struct growth *g, uint32_t site)
{
	static const struct series nothing;

	return site < g->site_capacity ? &g->sites[site].series : &nothing;
}

static const struct judgement *judgement_of_site(const struct growth *g, uint32_t site)
{
	static const struct judgement nothing;
	const struct site_state *s = site < g->site_capacity ? g->sites[site].state : NULL;

	return s ? &s->judgement : &nothing;
}

static const struct series_point *point_at(const struct growth *g, const struct series *s,
					   uint32_t sample)
{
	return series_at(s, sample_time(g, sample));
}

/*
 * The first samples make no line: then it is what came since the first. So it is when figures are estimates: a difference of
 * unbiased estimates is unbiased, a median of slopes is not.
 */
static double growth_of(const struct growth *g, const struct judgement *j, bool sampled,
			uint64_t bytes, const struct series *series)
{
	const struct series_point *base;

	if (g->samples >= TRUSTED && !sampled)
		return j->bytes.slope;
	base = point_at(g, series, g->view.base);
	return ((double)bytes - (base ? (double)base->bytes : 0)) / g->view.window_s;
}

static void fill_site(struct growth *g, const struct heap *h, const struct site *s,
		      struct snapshot_site *out)
{
	const struct view *v = &g->view;
	const struct series *series = series_of_site(g, out->site);
	const struct series_point *last = point_at(g, series, v->last);
	const struct judgement *j = judgement_of_site(g, out->site);
	struct carried heard = heard_new_of_site(&g->heard, h, s);

	out->growth_bytes_per_s = growth_of(g, j, out->uncertain != NULL,
					    out->totals.outstanding_bytes - heard.bytes, series);
	out->bytes_trend = j->bytes;
	out->blocks_trend = j->blocks;
	out->watched_s = j->watched_s;
	out->survival = j->survival;
	out->verdict = j->verdict;
	out->rule = j->rule;
	out->score = j->score;
	out->allocs_per_s =
		rate(out->totals.alloc_count - heard.count, last ? last->allocs : 0, v->last_s);
	out->frees_per_s =
		rate(out->totals.free_count, last ? last->allocs - last->count : 0, v->last_s);
	if (out->uncertain)
		fill_uncertain(h, v, s, point_at(g, series, v->base), out->uncertain);
}

/* A process changes as its sites do, each of which was drawn by itself. */
static void sum_growth(struct snapshot *s, const struct snapshot_site *site)
{
	struct uncertain *u = s->processes[site->process].uncertain;

	if (!u || !site->uncertain)
		return;
	u->growth_variance += site->uncertain->growth_variance;
	u->growth_unit = fmax(u->growth_unit, site->uncertain->growth_unit);
}

static void fill_process(struct growth *g, struct snapshot_process *out)
{
	static const struct process_record nothing;
	const struct view *v = &g->view;
	const struct process_record *record =
		out->index < g->process_capacity ? &g->processes[out->index] : &nothing;
	const struct series_point *last = point_at(g, &record->series, v->last);
	const struct totals *t = &out->totals;
	uint64_t allocs = last ? last->allocs : 0, frees = last ? last->allocs - last->count : 0;
	struct carried heard = heard_new(&out->before, &record->raised);

	out->growth_bytes_per_s = growth_of(g, &record->judgement, out->uncertain != NULL,
					    t->outstanding_bytes - heard.bytes, &record->series);
	out->bytes_trend = record->judgement.bytes;
	out->blocks_trend = record->judgement.blocks;
	out->watched_s = record->judgement.watched_s;
	out->alloc_bytes_per_s = rate(t->alloc_bytes - heard.bytes,
				      record->alloc_bytes[(v->last + 1) & 1], v->last_s);
	out->allocs_per_s = rate(t->alloc_count - heard.count, allocs, v->last_s);
	out->frees_per_s = rate(t->free_count, frees, v->last_s);
}

void growth_look(struct growth *g, uint64_t now_ns)
{
	g->view.valid = view_of(g, now_ns, &g->view);
}

/* Sites are filled in the order of their numbers, and their points lie anywhere. */
static void prefetch_found(const struct growth *g, uint32_t site)
{
	const struct site_record *record;

	if (site >= g->site_capacity)
		return;
	record = &g->sites[site];
	if (record->series.count)
		__builtin_prefetch(&record->series.v[record->series.count - 1]);
	if (record->state)
		__builtin_prefetch(&record->state->judgement);
}

void growth_fill_site(struct growth *g, struct heap *h, struct snapshot_site *out)
{
	if (!g->view.valid)
		return;
	prefetch_found(g, out->site + PREFETCH_SITES);
	fill_site(g, h, heap_site(h, out->site), out);
}

void growth_fill_processes(struct growth *g, struct snapshot *s)
{
	if (!g->view.valid)
		return;
	for (size_t i = 0; i < s->site_count; i++)
		sum_growth(s, &s->sites[i]);
	for (size_t i = 0; i < s->process_count; i++)
		fill_process(g, &s->processes[i]);
}

size_t growth_site_series(const struct growth *g, uint32_t site, const struct series_point **points)
{
	const struct series *s = series_of_site(g, site);

	*points = s->v;
	return s->count;
}

size_t growth_process_series(const struct growth *g, uint32_t process,
			     const struct series_point **points)
{
	*points = NULL;
	if (process >= g->process_capacity)
		return 0;
	*points = g->processes[process].series.v;
	return g->processes[process].series.count;
}

size_t growth_history(const struct growth *g, uint32_t site, struct growth_point *points,
		      size_t capacity)
{
	size_t count = g->samples < capacity ? g->samples : capacity;
	const struct series *s = series_of_site(g, site);
	uint64_t newest_ns = count ? sample_time(g, g->samples - 1) : 0;
	double step_ns = count > 1 ? (double)(newest_ns - g->begun_ns) / (double)(count - 1) : 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t time_ns = newest_ns - (uint64_t)(step_ns * (double)(count - 1 - i));
		const struct series_point *p = series_at(s, time_ns);

		points[i] = (struct growth_point){.time_ns = time_ns, .bytes = p ? p->bytes : 0};
	}
	return count;
}
