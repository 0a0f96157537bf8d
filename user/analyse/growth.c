/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histories of sites and processes, and what is found in them. Input is the heap's totals at each sample; blocks are never walked.
 *
 * A sample has two parts. With the lock of the heap's owner, points are added for the sites that have changed lately
 * (series.c): that is a walk through memory, with little to compute. Without it, the histories are judged (judge.c), so many sites at a
 * time, and what was found stays with the site until the next time; a snapshot only copies it. With thousands of sites that change all
 * the time each gets its turn every few samples.
 */
#include "growth.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/array.h"
#include "../base/clamp.h"
#include "../base/clock.h"
#include "heard.h"
#include "judge.h"
#include "scale.h"

#define SAMPLES_MAX	64u  /* of a window; longer ones are sampled more rarely */
#define PIECE		512u /* sites at a time */
#define PREFETCH_SITES	8u
#define OLDER_POINTS	48u   /* of a history, before the window */
#define JUDGED_MOST	1024u /* sites, a sample */
#define ELDER_SHARE	(2.0 / 3)
#define COVERED_PERCENT 90.0 /* of the time: then hardly a free goes unseen */
#define TRUSTED		3u   /* samples, before there is a slope */

/* At most as large as a cache line: a sample looks at each of them, and of a site that is quiet at nothing else. */
struct site_record {
	uint64_t version;	  /* of the site at its newest point */
	struct site_state *state; /* NULL: not looked at yet */
	uint32_t changed; /* number of the sample before which it had changed last, from 1 */
	uint32_t judged;  /* of the sample after which it was judged last */
	struct series series;
};
_Static_assert(sizeof(struct site_record) <= 64, "there is one for each of very many sites");

/* What was found of a site. */
struct site_state {
	struct judge_site site;
	struct judgement judgement;
};

struct process_record {
	struct series series;
	struct series_point point; /* of the sample that is being taken */
	uint64_t alloc_bytes[2];   /* at the last two samples, by their numbers */
	struct carried raised;	   /* of heap_process.before: it is in the history */
	struct judgement judgement;
};

/* The samples that a moment is compared with. */
struct view {
	bool valid;
	uint64_t now_ns;
	uint32_t base, last; /* start of the window; the newest that is not of this very moment */
	double window_s, last_s; /* how long ago they were */
};

struct growth {
	struct judge_options options;
	uint64_t least_ns; /* samples nearer together than this are left out */
	uint64_t elder_ns;
	struct series_limits limits;
	uint32_t window_samples;
	uint64_t *times;		  /* of the last samples, by number */
	uint32_t capacity;		  /* of them */
	uint32_t samples;		  /* taken so far, or being taken */
	uint64_t begun_ns;		  /* the first of them */
	struct site_record *sites;	  /* by heap index */
	struct process_record *processes; /* by heap index */
	uint32_t site_capacity, process_capacity;
	struct heard heard; /* of the sites */
	struct coverage_figures coverage;
	struct view view;
	uint32_t judge_next;
	/* the sample that is being taken */
	uint32_t next, sites_now, processes_now;
	int err;
};

double growth_elder_s(double window_s)
{
	return ELDER_SHARE * (window_s > 0 ? window_s : 30);
}

struct growth *growth_new(const struct growth_options *options)
{
	struct growth *g = calloc(1, sizeof(*g));
	double window_s = options->window_s > 0 ? options->window_s : 30;
	double interval_s = options->interval_s > 0 ? options->interval_s : 1;
	double steps = fmin(ceil(window_s / interval_s), SAMPLES_MAX);
	double step_ns = fmin(window_s / steps, 1e9) * NS_PER_S;

	if (!g)
		return NULL;
	g->options = (struct judge_options){
		.window_s = window_s,
		.interval_s = interval_s,
		.threshold = options->threshold > 0 ? options->threshold : 0,
		.elder_s = growth_elder_s(window_s),
		.scale = 1,
	};
	g->elder_ns = (uint64_t)(fmin(g->options.elder_s, 1e9) * NS_PER_S);
	g->least_ns = (uint64_t)(0.9 * step_ns);
	g->window_samples = (uint32_t)steps;
	g->capacity = g->window_samples + 2;
	g->limits = (struct series_limits){
		.step_ns = (uint64_t)step_ns,
		.recent_ns = (uint64_t)(step_ns * (steps + 1)),
		.recent = g->capacity,
		.older = OLDER_POINTS,
	};
	g->times = calloc(g->capacity, sizeof(*g->times));
	if (!g->times) {
		free(g);
		return NULL;
	}
	return g;
}

void growth_free(struct growth *g)
{
	if (!g)
		return;
	for (uint32_t i = 0; i < g->site_capacity; i++) {
		series_done(&g->sites[i].series);
		free(g->sites[i].state);
	}
	for (uint32_t i = 0; i < g->process_capacity; i++)
		series_done(&g->processes[i].series);
	free(g->sites);
	free(g->processes);
	free(g->times);
	heard_done(&g->heard);
	free(g);
}

void growth_cover(struct growth *g, const struct coverage_figures *coverage)
{
	g->coverage = *coverage;
	g->options.gaps = coverage->partial && coverage->time_percent < COVERED_PERCENT;
	g->options.scale = coverage->partial ? fmax(coverage->scale, 1) : 1;
}

static uint32_t first_sample(const struct growth *g)
{
	return g->samples > g->capacity ? g->samples - g->capacity : 0;
}

static uint64_t sample_time(const struct growth *g, uint32_t sample)
{
	return g->times[sample % g->capacity];
}

/* ---- a sample ---- */

static int reserve(struct growth *g, uint32_t sites, uint32_t processes)
{
	struct site_record *s = array_reserve(g->sites, &g->site_capacity, sites + 1, sizeof(*s));
	struct process_record *p =
		array_reserve(g->processes, &g->process_capacity, processes + 1, sizeof(*p));

	if (s)
		g->sites = s;
	if (p)
		g->processes = p;
	g->sites_now = s ? sites : 0;
	g->processes_now = p ? processes : 0;
	return s && p ? 0 : -ENOMEM;
}

/* It has not changed for so long that its elders do not, either, and all of its window is the same. */
static bool is_settled(const struct growth *g, const struct site_record *record)
{
	return g->samples - record->changed > 2 * g->window_samples + 2;
}

/* What it had before tracing began was there at the last sample, too. */
static void raise_process(struct growth *g, const struct heap_process *p,
			  struct process_record *record)
{
	uint64_t *last = &record->alloc_bytes[(g->samples + 1) & 1];

	*last += heard_new(&p->before, &record->raised).bytes;
	g->err |=
		heard_raise(&record->series, g->begun_ns, &p->before, &record->raised, &g->limits);
}

static void point_of_process(struct growth *g, const struct heap_process *p,
			     struct process_record *record)
{
	struct totals t = {0};

	raise_process(g, p, record);
	/* estimates of a process are the sums of those of its sites */
	if (!g->coverage.partial) {
		t = p->totals;
		totals_add(&t, &p->ranges_totals);
	}
	record->point = (struct series_point){
		.time_ns = sample_time(g, g->samples - 1),
		.bytes = t.outstanding_bytes,
		.count = t.outstanding_count,
		.allocs = t.alloc_count,
	};
	record->alloc_bytes[g->samples & 1] = t.alloc_bytes;
}

static void add_estimate(struct growth *g, const struct site *s)
{
	struct process_record *record = &g->processes[s->process];
	struct totals t = scale_site(s, &g->coverage);

	if (s->process > g->processes_now)
		return;
	record->point.bytes += t.outstanding_bytes;
	record->point.count += t.outstanding_count;
	record->point.allocs += t.alloc_count;
	record->alloc_bytes[g->samples & 1] += t.alloc_bytes;
}

static bool is_same(const struct series_point *a, const struct series_point *b)
{
	return a && a->bytes == b->bytes && a->count == b->count && a->allocs == b->allocs &&
	       a->recorded == b->recorded && a->elders == b->elders &&
	       a->elder_frees == b->elder_frees && a->resizes == b->resizes;
}

static int add_point(struct growth *g, struct series *s, const struct series_point *point)
{
	return is_same(series_last(s), point) ? 0 : series_add(s, point, &g->limits);
}

static struct series_point point_of_site(const struct growth *g, struct heap *h,
					 const struct site *s, uint64_t now_ns)
{
	struct totals t = scale_site(s, &g->coverage);
	uint64_t elder_ns = now_ns > g->elder_ns ? now_ns - g->elder_ns : 0;
	bool counted = !heap_sample_bytes(h) && s->call != CALL_ID_GO;

	return (struct series_point){
		.time_ns = sample_time(g, g->samples - 1),
		.bytes = t.outstanding_bytes,
		.count = t.outstanding_count,
		.allocs = t.alloc_count,
		.recorded = clamp_u32(counted ? s->totals.outstanding_count
					      : generations_older(&s->generations, UINT32_MAX)),
		.elders =
			clamp_u32(generations_older(&s->generations, heap_generation(h, elder_ns))),
		.elder_frees = s->elder_frees,
		.resizes = s->resizes,
	};
}

static void look_at_site(struct growth *g, struct heap *h, uint32_t index, uint64_t now_ns,
			 uint64_t elders)
{
	struct survivors_options options = {.elder_s = g->options.elder_s,
					    .window_s = g->options.window_s,
					    .now_ns = now_ns,
					    .elders = elders};
	struct site_record *record = &g->sites[index];

	if (!record->state)
		record->state = calloc(1, sizeof(*record->state));
	if (!record->state) {
		g->err = -ENOMEM;
		return;
	}
	record->state->site.first_ns = heap_site(h, index)->first_ns;
	record->state->site.begun_ns = g->begun_ns;
	survivors_look(&record->state->site.survivors, &options, h, index);
}

static void sample_site(struct growth *g, struct heap *h, uint32_t index, uint64_t now_ns)
{
	const struct site *s = heap_site(h, index);
	struct site_record *record = &g->sites[index];
	struct series_point point;

	if (g->coverage.partial)
		add_estimate(g, s);
	if (s->version == record->version) {
		/* estimates change with time, and blocks get old */
		if (!record->changed || (!g->coverage.partial && is_settled(g, record)))
			return;
	} else {
		record->changed = g->samples;
		if (heard_raise_site(&g->heard, h, s, &record->series, g->begun_ns, &g->limits))
			g->err = -ENOMEM;
	}
	record->version = s->version;
	point = point_of_site(g, h, s, now_ns);
	look_at_site(g, h, index, now_ns, point.elders);
	if (add_point(g, &record->series, &point))
		g->err = -ENOMEM;
}

/* Generations lie anywhere: they are on their way when their site's turn comes. */
static void prefetch(const struct growth *g, struct heap *h, uint32_t index)
{
	const struct series *s;

	if (index > g->sites_now)
		return;
	__builtin_prefetch(heap_site(h, index)->generations.v);
	__builtin_prefetch(g->sites[index].state, 1);
	s = &g->sites[index].series;
	if (s->count < s->capacity)
		__builtin_prefetch(&s->v[s->count], 1);
}

bool growth_sample_begin(struct growth *g, uint32_t sites, uint32_t processes, uint64_t now_ns)
{
	if (g->samples && now_ns < sample_time(g, g->samples - 1) + g->least_ns)
		return false;
	g->err = reserve(g, sites, processes);
	if (!g->samples)
		g->begun_ns = now_ns;
	g->times[g->samples++ % g->capacity] = now_ns;
	g->next = 0;
	return true;
}

bool growth_sample_some(struct growth *g, struct heap *h, uint64_t now_ns)
{
	uint32_t end = g->next + PIECE < g->sites_now ? g->next + PIECE : g->sites_now + 1;

	if (!g->next) {
		for (uint32_t i = 1; i <= g->processes_now; i++)
			point_of_process(g, heap_process(h, i), &g->processes[i]);
		g->next = 1;
		return g->sites_now > 0;
	}
	for (; g->next < end; g->next++) {
		prefetch(g, h, g->next + PREFETCH_SITES);
		sample_site(g, h, g->next, now_ns);
	}
	return g->next <= g->sites_now;
}

/* ---- judging ---- */

static void window_of(const struct growth *g, struct judge_window *w)
{
	uint64_t times[SAMPLES_MAX + 2], now_ns = sample_time(g, g->samples - 1);
	uint64_t span_ns = (uint64_t)((g->options.window_s + g->options.interval_s / 2) * NS_PER_S);
	uint32_t n = 0;

	for (uint32_t i = first_sample(g); i < g->samples; i++)
		if (sample_time(g, i) + span_ns >= now_ns)
			times[n++] = sample_time(g, i);
	judge_window_init(w, times, n);
}

static bool is_due(const struct growth *g, const struct site_record *record)
{
	return record->changed && (g->coverage.partial || !is_settled(g, record) ||
				   record->judged <= record->changed + 2 * g->window_samples);
}

static void judge_sites(struct growth *g, const struct judge_window *w)
{
	uint32_t judged = 0;

	for (uint32_t n = 0; n < g->sites_now && judged < JUDGED_MOST; n++) {
		uint32_t index = g->judge_next < g->sites_now ? g->judge_next + 1 : 1;
		struct site_record *record = &g->sites[index];

		g->judge_next = index;
		if (!is_due(g, record))
			continue;
		if (record->state)
			judge(&g->options, w, &record->series, &record->state->site,
			      &record->state->judgement);
		record->judged = g->samples;
		judged++;
	}
}

int growth_sample_end(struct growth *g)
{
	struct judge_window w;

	window_of(g, &w);
	judge_sites(g, &w);
	for (uint32_t i = 1; i <= g->processes_now; i++) {
		struct process_record *record = &g->processes[i];

		if (add_point(g, &record->series, &record->point))
			g->err = -ENOMEM;
		judge_trends(&w, &record->series, &record->judgement);
	}
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

void growth_judging(const struct growth *g, struct judging *out)
{
	out->options = g->options;
	out->limits = g->limits;
	out->begun_ns = g->begun_ns;
	window_of(g, &out->window);
}

/* ---- looking ---- */

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
