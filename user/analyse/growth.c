/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histories of sites and processes, and what is found in them. Input is the heap's totals at each sample; blocks are never walked.
 *
 * A sample has two parts. With the lock of the heap's owner, points are added for the sites that have changed lately
 * (series.c): that is a walk through memory, with little to compute. Without it, the histories are judged (judge.c), so many sites at a
 * time, and what was found stays with the site until the next time; a snapshot only copies it. With thousands of sites that change all
 * the time each gets its turn every few samples.
 */
#include "growth_private.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "../base/array.h"
#include "../base/clamp.h"
#include "../base/clock.h"
#include "scale.h"

#define SAMPLES_MAX	64u   /* of a window; longer ones are sampled more rarely */
#define PIECE		512u  /* sites at a time */
#define OLDER_POINTS	48u   /* of a history, before the window */
#define JUDGED_MOST	1024u /* sites, a sample */
#define ELDER_SHARE	(2.0 / 3)
#define COVERED_PERCENT 90.0 /* of the time: then hardly a free goes unseen */

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
