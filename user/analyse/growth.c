/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growth over the leak window. Input is the heap's totals at each growth_sample(); blocks are never
 * walked.
 *
 * The times of the last samples are kept once for all. A site's history has points only for samples
 * before which it changed: its value at a sample is that of the newest point not after it. So a
 * sample costs one comparison for a quiet site, and a history takes memory only where something
 * happens.
 *
 * leak or growing: of the blocks that were alive at the middle of the window and born in
 * generations before it, how many are still there? A point keeps how many there were (`older`); the
 * site's generations say how many are left.
 *
 * Invariant: sample numbers of a history increase; sample n is in times[n % capacity] while n +
 * capacity >= samples.
 */
#include "growth.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/clock.h"
#include "scale.h"

#define SAMPLES_MAX   64u /* of a window; longer ones are sampled more rarely */
#define WATCHED_S     10.0
#define WATCHED_MIN   3u /* samples */
#define SURVIVAL_LEAK 0.9

struct point {
	uint32_t sample;
	uint32_t generation; /* that of the sample's time */
	uint64_t bytes, count;
	uint64_t older; /* of count, born before that generation */
	uint64_t allocs;
};

struct history {
	struct point *v; /* ring */
	uint32_t capacity, count, first;
	uint64_t version; /* of the site at the newest point */
};

struct process_point {
	uint64_t bytes, alloc_bytes, allocs, frees;
};

struct growth {
	double window_s, interval_s, threshold;
	uint64_t step_ns;  /* samples nearer together than this are left out */
	uint32_t capacity; /* samples kept */
	uint32_t samples;  /* taken so far */
	uint64_t *times;
	struct history *sites; /* by heap index */
	uint32_t site_capacity;
	struct process_point **processes; /* by heap index, `capacity` points each */
	uint32_t process_capacity;
	struct coverage_figures coverage;
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
	g->capacity = (uint32_t)steps + 2;
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
	for (uint32_t i = 0; i < g->site_capacity; i++)
		free(g->sites[i].v);
	for (uint32_t i = 0; i < g->process_capacity; i++)
		free(g->processes[i]);
	free(g->sites);
	free(g->processes);
	free(g->times);
	free(g);
}

void growth_cover(struct growth *g, const struct coverage_figures *coverage)
{
	g->coverage = *coverage;
}

static uint32_t first_sample(const struct growth *g)
{
	return g->samples > g->capacity ? g->samples - g->capacity : 0;
}

static uint64_t time_of(const struct growth *g, uint32_t sample)
{
	return g->times[sample % g->capacity];
}

static struct point *point_at(const struct history *h, uint32_t i)
{
	return &h->v[(h->first + i) % h->capacity];
}

/* The value at a sample; NULL: the site had none yet. */
static const struct point *point_of(const struct history *h, uint32_t sample)
{
	uint32_t low = 0, high = h->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (point_at(h, middle)->sample <= sample)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? point_at(h, low - 1) : NULL;
}

static int history_grow(struct history *h, uint32_t most)
{
	uint32_t capacity = h->capacity ? h->capacity * 2 : 2;
	struct point *v;

	if (capacity > most)
		capacity = most;
	v = malloc(capacity * sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < h->count; i++)
		v[i] = *point_at(h, i);
	free(h->v);
	h->v = v;
	h->first = 0;
	h->capacity = capacity;
	return 0;
}

/* Points before the one that stands for the oldest sample are of no use. */
static void history_trim(struct history *h, uint32_t oldest)
{
	while (h->count > 1 && point_at(h, 1)->sample <= oldest) {
		h->first = (h->first + 1) % h->capacity;
		h->count--;
	}
}

static int history_add(const struct growth *g, struct history *h, const struct point *point)
{
	history_trim(h, first_sample(g));
	if (h->count == h->capacity && history_grow(h, g->capacity + 1))
		return -ENOMEM;
	h->count++;
	*point_at(h, h->count - 1) = *point;
	return 0;
}

static void *grown(void *v, uint32_t *capacity, uint32_t needed, size_t item)
{
	uint32_t more = *capacity * 2 > needed ? *capacity * 2 : needed + 16;
	char *p = realloc(v, more * item);

	if (!p)
		return NULL;
	memset(p + *capacity * item, 0, (more - *capacity) * item);
	*capacity = more;
	return p;
}

static int reserve(struct growth *g, const struct heap *h)
{
	uint32_t sites = heap_site_count(h) + 1, processes = heap_process_count(h) + 1;
	void *v;

	if (sites > g->site_capacity) {
		v = grown(g->sites, &g->site_capacity, sites, sizeof(*g->sites));
		if (!v)
			return -ENOMEM;
		g->sites = v;
	}
	if (processes > g->process_capacity) {
		v = grown(g->processes, &g->process_capacity, processes, sizeof(*g->processes));
		if (!v)
			return -ENOMEM;
		g->processes = v;
	}
	return 0;
}

static int sample_site(struct growth *g, const struct heap *h, const struct site *s,
		       struct history *history, uint64_t now_ns)
{
	struct totals t = scale_site(s, &g->coverage);
	struct point p = {
		.sample = g->samples - 1,
		.generation = heap_generation(h, now_ns),
		.bytes = t.outstanding_bytes,
		/* as seen, like `older` */
		.count = s->totals.outstanding_count,
		.allocs = t.alloc_count,
	};
	int err;

	/* estimates change with time */
	if (s->version == history->version && !g->coverage.partial)
		return 0;
	p.older = generations_older(&s->generations, p.generation);
	err = history_add(g, history, &p);
	if (!err)
		history->version = s->version;
	return err;
}

static struct process_point estimated_point(const struct growth *g, struct heap *h,
					    const struct heap_process *p)
{
	struct totals sum = {0};

	for (uint32_t i = p->first_site; i; i = heap_site(h, i)->next) {
		struct totals t = scale_site(heap_site(h, i), &g->coverage);

		totals_add(&sum, &t);
	}
	return (struct process_point){
		.bytes = sum.outstanding_bytes,
		.alloc_bytes = sum.alloc_bytes,
		.allocs = sum.alloc_count,
		.frees = sum.free_count,
	};
}

static struct process_point process_point_now(const struct growth *g, struct heap *h,
					      const struct heap_process *p)
{
	const struct totals *a = &p->totals, *b = &p->ranges_totals;

	if (g->coverage.partial)
		return estimated_point(g, h, p);
	return (struct process_point){
		.bytes = a->outstanding_bytes + b->outstanding_bytes,
		.alloc_bytes = a->alloc_bytes + b->alloc_bytes,
		.allocs = a->alloc_count + b->alloc_count,
		.frees = a->free_count + b->free_count,
	};
}

static int sample_process(struct growth *g, struct heap *h, const struct heap_process *p,
			  uint32_t index)
{
	struct process_point **v = &g->processes[index];

	if (!*v)
		*v = calloc(g->capacity, sizeof(**v)); /* before the first sample it had nothing */
	if (!*v)
		return -ENOMEM;
	(*v)[(g->samples - 1) % g->capacity] = process_point_now(g, h, p);
	return 0;
}

int growth_sample(struct growth *g, struct heap *h, uint64_t now_ns)
{
	uint32_t sites = heap_site_count(h), processes = heap_process_count(h);
	int err;

	if (g->samples && now_ns < time_of(g, g->samples - 1) + g->step_ns)
		return 0;
	err = reserve(g, h);
	if (err)
		return err;
	g->times[g->samples++ % g->capacity] = now_ns;
	for (uint32_t i = 1; i <= sites; i++)
		if (sample_site(g, h, heap_site(h, i), &g->sites[i], now_ns))
			err = -ENOMEM;
	for (uint32_t i = 1; i <= processes; i++)
		if (sample_process(g, h, heap_process(h, i), i))
			err = -ENOMEM;
	return err;
}

/* The samples that a moment is compared with. */
struct view {
	uint64_t now_ns;
	uint32_t base, last; /* start of the window; the newest that is not of this very moment */
	double window_s, last_s; /* how long ago they were */
};

static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / NS_PER_S : 0;
}

/* False while there is nothing to compare with. */
static bool view_of(const struct growth *g, uint64_t now_ns, struct view *v)
{
	uint32_t sample = g->samples;
	double least = g->interval_s / 2;

	memset(v, 0, sizeof(*v));
	v->now_ns = now_ns;
	while (sample > first_sample(g) && seconds_between(time_of(g, sample - 1), now_ns) < least)
		sample--;
	if (sample == first_sample(g))
		return false;
	v->last = v->base = sample - 1;
	v->last_s = seconds_between(time_of(g, v->last), now_ns);
	while (v->base > first_sample(g) &&
	       seconds_between(time_of(g, v->base - 1), now_ns) <= g->window_s + least)
		v->base--;
	v->window_s = seconds_between(time_of(g, v->base), now_ns);
	return true;
}

/*
 * Of the blocks that were there at the sample, the share that still is; -1 when none was. A site
 * that did not change between its point and the sample has blocks of generations up to the point's
 * only: then all of them count.
 */
static double survival(const struct heap *h, const struct growth *g, const struct site *s,
		       const struct history *history, uint32_t sample)
{
	const struct point *p = point_of(history, sample);
	uint32_t generation = heap_generation(h, time_of(g, sample));
	bool whole = p && generation > p->generation;
	uint64_t then = p ? (whole ? p->count : p->older) : 0;
	uint64_t now;

	if (!then)
		return -1;
	now = generations_older(&s->generations, whole ? generation : p->generation);
	return now < then ? (double)now / (double)then : 1;
}

/* The sample nearest to the middle between the start of what was watched of the site, and now. */
static uint32_t middle_sample(const struct growth *g, const struct view *v, uint64_t first_ns)
{
	uint64_t start = time_of(g, v->base) > first_ns ? time_of(g, v->base) : first_ns;
	uint64_t middle = start + (v->now_ns - start) / 2;
	uint32_t sample = v->last;

	while (sample > v->base && time_of(g, sample) > middle)
		sample--;
	return sample;
}

static bool watched_enough(const struct growth *g, const struct site *s, const struct history *h,
			   uint64_t now_ns)
{
	if (!h->count || g->samples - point_at(h, 0)->sample < WATCHED_MIN)
		return false;
	return seconds_between(s->first_ns, now_ns) >= fmin(g->window_s, WATCHED_S);
}

static void judge(const struct growth *g, const struct heap *h, const struct view *v,
		  const struct site *s, const struct history *history, struct snapshot_site *out)
{
	const struct point *base = point_of(history, v->base);
	double start = base ? (double)base->bytes : 0;
	double now = (double)scale_site(s, &g->coverage).outstanding_bytes;
	double share, alive;

	out->verdict = VERDICT_NEW;
	out->score = 0;
	if (!watched_enough(g, s, history, v->now_ns))
		return;
	out->verdict = VERDICT_STEADY;
	if (now <= start || now - start < g->threshold * start)
		return;
	share = (now - start) / now;
	alive = survival(h, g, s, history, middle_sample(g, v, s->first_ns));
	if (alive >= SURVIVAL_LEAK) {
		out->verdict = VERDICT_LEAK;
		out->score = 100 * alive * (0.5 + 0.5 * share);
	} else {
		out->verdict = VERDICT_GROWING;
		out->score = 45 * share * (alive < 0 ? 0.5 : alive);
	}
}

/* Estimates of what only grows may be a little lower than before. */
static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before ? (double)(now - before) / seconds : 0;
}

static void fill_site(const struct growth *g, const struct heap *h, const struct view *v,
		      const struct site *s, const struct history *history,
		      struct snapshot_site *out)
{
	const struct point *base = point_of(history, v->base), *last = point_of(history, v->last);
	struct totals t = scale_site(s, &g->coverage);

	out->growth_bytes_per_s =
		((double)t.outstanding_bytes - (double)(base ? base->bytes : 0)) / v->window_s;
	out->allocs_per_s = rate(t.alloc_count, last ? last->allocs : 0, v->last_s);
	judge(g, h, v, s, history, out);
}

static void fill_process(const struct growth *g, struct heap *h, const struct view *v,
			 const struct heap_process *p, const struct process_point *points,
			 struct snapshot_process *out)
{
	static const struct process_point nothing;
	const struct process_point *base = points ? &points[v->base % g->capacity] : &nothing;
	const struct process_point *last = points ? &points[v->last % g->capacity] : &nothing;
	struct process_point now = process_point_now(g, h, p);

	out->growth_bytes_per_s = ((double)now.bytes - (double)base->bytes) / v->window_s;
	out->alloc_bytes_per_s = rate(now.alloc_bytes, last->alloc_bytes, v->last_s);
	out->allocs_per_s = rate(now.allocs, last->allocs, v->last_s);
	out->frees_per_s = rate(now.frees, last->frees, v->last_s);
}

void growth_fill(struct growth *g, struct heap *h, struct snapshot *s, uint64_t now_ns)
{
	static const struct history none;
	struct view v;

	if (!view_of(g, now_ns, &v))
		return;
	for (size_t i = 0; i < s->site_count; i++) {
		uint32_t site = s->sites[i].site;

		fill_site(g, h, &v, heap_site(h, site),
			  site < g->site_capacity ? &g->sites[site] : &none, &s->sites[i]);
	}
	for (size_t i = 0; i < s->process_count; i++) {
		uint32_t index = s->processes[i].index;

		fill_process(g, h, &v, heap_process(h, index),
			     index < g->process_capacity ? g->processes[index] : NULL,
			     &s->processes[i]);
	}
}
