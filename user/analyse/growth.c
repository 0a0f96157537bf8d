/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growth over the leak window. Input is the heap's totals at each growth_sample() (history.c); blocks are
 * never walked.
 *
 * leak or growing: of the blocks that were alive at the middle of the window and born in
 * generations before it, how many are still there? A point keeps how many there were (`older`); the
 * site's generations say how many are left.
 */
#include "growth.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/array.h"
#include "../base/clock.h"
#include "history.h"
#include "scale.h"

#define SAMPLES_MAX   64u /* of a window; longer ones are sampled more rarely */
#define WATCHED_S     10.0
#define WATCHED_MIN   3u /* samples */
#define SURVIVAL_LEAK 0.9
#define PIECE	      512u /* sites at a time */

struct process_point {
	uint64_t bytes, alloc_bytes, allocs, frees;
};

/* The samples that a moment is compared with. */
struct view {
	bool valid;
	uint64_t now_ns;
	uint32_t base, last; /* start of the window; the newest that is not of this very moment */
	double window_s, last_s; /* how long ago they were */
};

struct growth {
	double window_s, interval_s, threshold;
	uint64_t step_ns; /* samples nearer together than this are left out */
	struct history history;
	struct process_point **processes; /* by heap index, a point for each kept sample */
	uint32_t process_capacity;
	struct coverage_figures coverage;
	struct view view;
	/* the sample that is being taken */
	uint32_t next, sites, sampled_processes;
	int err;
};

struct growth *growth_new(const struct growth_options *options)
{
	struct growth *g = calloc(1, sizeof(*g));
	double steps;

	if (!g)
		return NULL;
	g->window_s = options->window_s > 0 ? options->window_s : 30;
	g->interval_s = options->interval_s > 0 ? options->interval_s : 1;
	g->threshold = options->threshold > 0 ? options->threshold : 0;
	steps = fmin(ceil(g->window_s / g->interval_s), SAMPLES_MAX);
	g->step_ns = (uint64_t)(fmin(g->window_s / steps, 1e9) * 0.9 * NS_PER_S);
	if (history_init(&g->history, (uint32_t)steps + 2)) {
		free(g);
		return NULL;
	}
	return g;
}

void growth_free(struct growth *g)
{
	if (!g)
		return;
	for (uint32_t i = 0; i < g->process_capacity; i++)
		free(g->processes[i]);
	free(g->processes);
	history_done(&g->history);
	free(g);
}

void growth_cover(struct growth *g, const struct coverage_figures *coverage)
{
	g->coverage = *coverage;
}

static int reserve_processes(struct growth *g, uint32_t needed)
{
	struct process_point **v =
		array_reserve(g->processes, &g->process_capacity, needed, sizeof(*v));

	if (!v)
		return -ENOMEM;
	g->processes = v;
	return 0;
}

static struct process_point point_of(const struct totals *t)
{
	return (struct process_point){
		.bytes = t->outstanding_bytes,
		.alloc_bytes = t->alloc_bytes,
		.allocs = t->alloc_count,
		.frees = t->free_count,
	};
}

static struct process_point *point_now(struct growth *g, uint32_t index)
{
	struct process_point *points = g->processes[index];

	return points ? &points[(g->history.samples - 1) % g->history.capacity] : NULL;
}

static void sample_processes(struct growth *g, struct heap *h)
{
	for (uint32_t i = 1; i <= g->sampled_processes; i++) {
		const struct heap_process *p = heap_process(h, i);
		struct process_point *point = point_now(g, i);
		struct totals t = {0};

		if (!g->coverage.partial) {
			t = p->totals;
			totals_add(&t, &p->ranges_totals);
		}
		if (point)
			*point = point_of(&t);
	}
}

/* Estimates of a process are the sums of those of its sites. */
static void add_estimates(struct growth *g, struct heap *h, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i <= to; i++) {
		const struct site *s = heap_site(h, i);
		struct process_point *point;
		struct totals t;

		if (s->process > g->sampled_processes || !(point = point_now(g, s->process)))
			continue;
		t = scale_site(s, &g->coverage);
		point->bytes += t.outstanding_bytes;
		point->alloc_bytes += t.alloc_bytes;
		point->allocs += t.alloc_count;
		point->frees += t.free_count;
	}
}

static int prepare_processes(struct growth *g, uint32_t processes)
{
	int err = reserve_processes(g, processes + 1);

	g->sampled_processes = err ? 0 : processes;
	for (uint32_t i = 1; i <= g->sampled_processes; i++) {
		/* before the first sample it had nothing */
		if (!g->processes[i])
			g->processes[i] = calloc(g->history.capacity, sizeof(**g->processes));
		if (!g->processes[i])
			err = -ENOMEM;
	}
	return err;
}

bool growth_sample_begin(struct growth *g, uint32_t sites, uint32_t processes, uint64_t now_ns)
{
	struct history *history = &g->history;
	int err;

	if (history->samples && now_ns < history_time(history, history->samples - 1) + g->step_ns)
		return false;
	g->err = prepare_processes(g, processes);
	err = history_begin(history, sites, now_ns);
	if (err)
		g->err = err;
	g->sites = sites;
	g->next = 0;
	return true;
}

bool growth_sample_some(struct growth *g, struct heap *h, uint64_t now_ns)
{
	uint32_t from = g->next, to = from + PIECE < g->sites ? from + PIECE - 1 : g->sites;

	if (!from) {
		sample_processes(g, h);
		g->next = 1;
		return g->sites > 0;
	}
	if (history_fill(&g->history, h, &g->coverage, from, to, now_ns))
		g->err = -ENOMEM;
	if (g->coverage.partial)
		add_estimates(g, h, from, to);
	g->next = to + 1;
	return to < g->sites;
}

int growth_sample_end(struct growth *g)
{
	history_end(&g->history);
	return g->err;
}

int growth_sample(struct growth *g, struct heap *h, uint64_t now_ns)
{
	if (!growth_sample_begin(g, heap_site_count(h), heap_process_count(h), now_ns))
		return 0;
	while (growth_sample_some(g, h, now_ns))
		;
	return growth_sample_end(g);
}

static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / NS_PER_S : 0;
}

/* False while there is nothing to compare with. */
static bool view_of(const struct growth *g, uint64_t now_ns, struct view *v)
{
	const struct history *h = &g->history;
	uint32_t sample = h->samples;
	double least = g->interval_s / 2;

	memset(v, 0, sizeof(*v));
	v->now_ns = now_ns;
	while (sample > history_first(h) &&
	       seconds_between(history_time(h, sample - 1), now_ns) < least)
		sample--;
	if (sample == history_first(h))
		return false;
	v->last = v->base = sample - 1;
	v->last_s = seconds_between(history_time(h, v->last), now_ns);
	while (v->base > history_first(h) &&
	       seconds_between(history_time(h, v->base - 1), now_ns) <= g->window_s + least)
		v->base--;
	v->window_s = seconds_between(history_time(h, v->base), now_ns);
	return true;
}

/*
 * Of the blocks that were there at the sample, the share that still is; -1 when none was. A site
 * that did not change between its point and the sample has blocks of generations up to the point's
 * only: then all of them count.
 */
static double survival(struct growth *g, const struct heap *h, const struct site *s, uint32_t site,
		       uint32_t sample, struct snapshot_site *out)
{
	const struct history_point *p = history_find(&g->history, site, sample);
	uint32_t generation = heap_generation(h, history_time(&g->history, sample));
	bool whole = p && generation > p->generation;
	uint64_t then = p ? (whole ? p->blocks : p->older) : 0;
	uint64_t now;

	if (!then)
		return -1;
	now = generations_older(&s->generations, whole ? generation : p->generation);
	now = now < then ? now : then;
	out->survival = (struct survival){
		.age_s = seconds_between(history_time(&g->history, sample), g->view.now_ns),
		.elders = then,
		.alive = now,
	};
	return (double)now / (double)then;
}

/* The sample nearest to the middle between the start of what was watched of the site, and now. */
static uint32_t middle_sample(const struct history *h, const struct view *v, uint64_t first_ns)
{
	uint64_t start = history_time(h, v->base) > first_ns ? history_time(h, v->base) : first_ns;
	uint64_t middle = start + (v->now_ns - start) / 2;
	uint32_t sample = v->last;

	while (sample > v->base && history_time(h, sample) > middle)
		sample--;
	return sample;
}

static bool watched_enough(const struct growth *g, const struct site *s, uint32_t site,
			   uint64_t now_ns)
{
	if (history_watched(&g->history, site) < WATCHED_MIN)
		return false;
	return seconds_between(s->first_ns, now_ns) >= fmin(g->window_s, WATCHED_S);
}

static void judge(struct growth *g, const struct heap *h, const struct view *v,
		  const struct site *s, double start, struct snapshot_site *out)
{
	double now = (double)scale_site(s, &g->coverage).outstanding_bytes;
	double share, alive;

	out->verdict = VERDICT_NEW;
	out->score = 0;
	if (!watched_enough(g, s, out->site, v->now_ns))
		return;
	out->verdict = VERDICT_STEADY;
	if (now <= start || now - start < g->threshold * start)
		return;
	share = (now - start) / now;
	alive = survival(g, h, s, out->site, middle_sample(&g->history, v, s->first_ns), out);
	if (alive >= SURVIVAL_LEAK) {
		out->verdict = VERDICT_LEAK;
		out->score = 100 * alive * (0.5 + 0.5 * share);
	} else {
		out->verdict = VERDICT_GROWING;
		out->score = 45 * share * (alive < 0 ? 0.5 : alive);
	}
}

static double at_sample(struct growth *g, uint32_t site, uint32_t sample, double *blocks)
{
	const struct history_point *p = history_find(&g->history, site, sample);

	*blocks = p ? (double)p->blocks : 0;
	return p ? (double)p->bytes : 0;
}

static void fill_trends(struct growth *g, const struct view *v, const struct totals *t,
			struct snapshot_site *out)
{
	double seconds[TREND_MAX], bytes[TREND_MAX], blocks[TREND_MAX];
	uint32_t samples = v->last - v->base + 1, step = samples / (TREND_MAX - 1) + 1, n = 0;
	struct trend_grid grid;

	for (uint32_t i = v->base; i <= v->last && n + 1 < TREND_MAX; i += step, n++) {
		seconds[n] = seconds_between(history_time(&g->history, i), v->now_ns);
		seconds[n] = v->window_s - seconds[n];
		bytes[n] = at_sample(g, out->site, i, &blocks[n]);
	}
	seconds[n] = v->window_s;
	bytes[n] = (double)t->outstanding_bytes;
	blocks[n++] = (double)t->outstanding_count;
	trend_grid_init(&grid, seconds, n);
	out->bytes_trend = trend_of(&grid, bytes);
	out->blocks_trend = trend_of(&grid, blocks);
	out->watched_s = v->window_s;
}

/*
 * Sampled: the error of the change comes from the blocks that made it, those that were born since
 * the base and those that were freed. How many that are is told by generations; the mean of the
 * site's variance for one of them is near enough.
 */
static void fill_uncertain(const struct view *v, const struct site *s,
			   const struct history_point *base, struct uncertain *u)
{
	const struct error_sums *all = &u->errors.alloc;
	uint64_t now = generations_older(&s->generations, UINT32_MAX);
	uint64_t then = base ? base->blocks : 0;
	uint64_t stayed = base ? generations_older(&s->generations, base->generation) : 0;
	double window2 = v->window_s * v->window_s, changed;

	if (!all->seen_count)
		return;
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

static void fill_site(struct growth *g, const struct heap *h, const struct view *v,
		      const struct site *s, struct snapshot_site *out)
{
	const struct history_point *base = history_find(&g->history, out->site, v->base);
	uint64_t allocs = history_allocs(&g->history, out->site, v->last);
	struct totals t = scale_site(s, &g->coverage);
	double start = base ? (double)base->bytes : 0;

	out->growth_bytes_per_s = ((double)t.outstanding_bytes - start) / v->window_s;
	out->allocs_per_s = rate(t.alloc_count, allocs, v->last_s);
	fill_trends(g, v, &t, out);
	judge(g, h, v, s, start, out);
	if (out->uncertain)
		fill_uncertain(v, s, base, out->uncertain);
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

static void fill_process(const struct growth *g, const struct process_point *points,
			 struct snapshot_process *out)
{
	static const struct process_point nothing;
	const struct view *v = &g->view;
	uint32_t capacity = g->history.capacity;
	const struct process_point *base = points ? &points[v->base % capacity] : &nothing;
	const struct process_point *last = points ? &points[v->last % capacity] : &nothing;
	struct process_point now = point_of(&out->totals);

	out->growth_bytes_per_s = ((double)now.bytes - (double)base->bytes) / v->window_s;
	out->alloc_bytes_per_s = rate(now.alloc_bytes, last->alloc_bytes, v->last_s);
	out->allocs_per_s = rate(now.allocs, last->allocs, v->last_s);
	out->frees_per_s = rate(now.frees, last->frees, v->last_s);
}

void growth_look(struct growth *g, uint64_t now_ns)
{
	g->view.valid = view_of(g, now_ns, &g->view);
}

void growth_fill_site(struct growth *g, struct heap *h, struct snapshot_site *out)
{
	if (g->view.valid)
		fill_site(g, h, &g->view, heap_site(h, out->site), out);
}

void growth_fill_processes(struct growth *g, struct snapshot *s)
{
	if (!g->view.valid)
		return;
	for (size_t i = 0; i < s->site_count; i++)
		sum_growth(s, &s->sites[i]);
	for (size_t i = 0; i < s->process_count; i++) {
		uint32_t index = s->processes[i].index;

		fill_process(g, index < g->process_capacity ? g->processes[index] : NULL,
			     &s->processes[i]);
	}
}

size_t growth_history(struct growth *g, uint32_t site, struct growth_point *points, size_t capacity)
{
	const struct history *h = &g->history;
	uint32_t sample = history_first(h);
	size_t count = 0;

	if (h->samples - sample > capacity)
		sample = h->samples - (uint32_t)capacity;
	for (; sample < h->samples; sample++) {
		const struct history_point *p = history_find(&g->history, site, sample);

		points[count++] = (struct growth_point){.time_ns = history_time(h, sample),
							.bytes = p ? p->bytes : 0};
	}
	return count;
}
