/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps a mark for each cycle that was seen to end (of those between two readings only the last has a live heap and processor times),
 * the pauses of all cycles in buckets, and the last ring. Rates are taken between two marks, that is between the ends of two cycles, so
 * that slow ones are exact, too. Times are the program's own (pause_end).
 *
 * Growth is found as that of sites is (judge.c): the median slope with its interval, the test of Mann and Kendall, and the threshold.
 * Marks are of the window, or the last ones when it has too few.
 */
#include "go_gc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/xalloc.h"

#define MARKS	      256u
#define MARKS_LEAST   16u  /* of an old program that seldom collects */
#define CHANCE_MOST   0.01 /* p of a growth that is believed */
#define NEAR	      8u  /* marks at the beginning, the lowest of which is where a growth begins */
#define FINE	      16u /* buckets of each power of two */
#define FINE_SHIFT    4u
#define PAUSE_BUCKETS ((64u - FINE_SHIFT + 1) * FINE)
#define NS	      1e9

struct mark {
	uint32_t cycle, processors;
	uint64_t end_ns, read_ns, bytes, runway, total_alloc, gc_cpu_ns, assist_ns, all_ns;
	bool cpu_known;
};

struct go_gc_watch {
	struct go_gc_options options;
	bool begun;
	uint32_t first_cycle;
	uint64_t pauses[PAUSE_BUCKETS], pause_count, pause_max, missed;
	struct mark marks[MARKS]; /* a ring */
	uint32_t mark_first, mark_count;
	struct go_cycles last;
};

struct go_gc_watch *go_gc_new(const struct go_gc_options *options)
{
	struct go_gc_watch *w = xcalloc(1, sizeof(*w));

	w->options = *options;
	return w;
}

void go_gc_free(struct go_gc_watch *w)
{
	free(w);
}

/* ---- pauses ---- */

static uint32_t bucket_of(uint64_t ns)
{
	uint32_t power;

	if (ns < FINE)
		return (uint32_t)ns;
	power = 63u - (uint32_t)__builtin_clzll(ns);
	return (power - FINE_SHIFT + 1) * FINE +
	       (uint32_t)((ns >> (power - FINE_SHIFT)) & (FINE - 1));
}

/* The largest value of a bucket. */
static uint64_t bucket_end(uint32_t bucket)
{
	uint32_t shift;

	if (bucket < FINE)
		return bucket;
	shift = bucket / FINE - 1;
	return ((uint64_t)(FINE + bucket % FINE) << shift) + ((1ull << shift) - 1);
}

static void add_pause(struct go_gc_watch *w, uint64_t ns)
{
	w->pauses[bucket_of(ns)]++;
	w->pause_count++;
	w->pause_max = ns > w->pause_max ? ns : w->pause_max;
}

/* Of the cycles after the last reading those that the ring still has. */
static void add_pauses(struct go_gc_watch *w, const struct go_cycles *c)
{
	uint32_t fresh = c->count - w->last.count, i;
	/* while it was read, later cycles took the places of the oldest; one more may have been about to */
	uint32_t taken = c->count_end - c->count + 1;
	uint32_t kept = taken < GO_PAUSES ? GO_PAUSES - taken : 0;
	uint32_t there = fresh < kept ? fresh : kept;

	w->missed += fresh - there;
	for (i = 0; i < there; i++)
		add_pause(w, c->pause_ns[(c->count - 1 - i) % GO_PAUSES]);
}

static uint64_t traced_quantile(const struct go_gc_watch *w, double share)
{
	uint64_t rank = (uint64_t)ceil(share * (double)w->pause_count), seen = 0, end;
	uint32_t i;

	if (!w->pause_count)
		return UINT64_MAX;
	for (i = 0; i < PAUSE_BUCKETS - 1; i++) {
		seen += w->pauses[i];
		if (seen >= rank)
			break;
	}
	end = bucket_end(i);
	return end < w->pause_max ? end : w->pause_max;
}

static void read_traced(const struct go_gc_watch *w, struct go_traced_pauses *t)
{
	*t = (struct go_traced_pauses){.count = w->pause_count,
				       .p50_ns = traced_quantile(w, 0.5),
				       .p90_ns = traced_quantile(w, 0.9),
				       .p99_ns = traced_quantile(w, 0.99),
				       .max_ns = w->pause_count ? w->pause_max : UINT64_MAX};
}

static int compare_u64(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Element count * share, the last for 1: as runtime/debug/garbage.go does. */
static uint64_t ring_quantile(const uint64_t *sorted, uint32_t count, uint32_t percent)
{
	uint32_t i = (uint32_t)((uint64_t)count * percent / 100);

	return sorted[i < count ? i : count - 1];
}

static void read_ring(const struct go_cycles *c, struct go_pauses *p)
{
	uint32_t count = c->count < GO_PAUSES ? c->count : GO_PAUSES;
	uint64_t sorted[GO_PAUSES];

	*p = (struct go_pauses){UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
				UINT64_MAX, UINT64_MAX, UINT64_MAX};
	if (!count)
		return;
	memcpy(sorted, c->pause_ns, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_u64);
	*p = (struct go_pauses){sorted[0],
				ring_quantile(sorted, count, 25),
				ring_quantile(sorted, count, 50),
				ring_quantile(sorted, count, 75),
				ring_quantile(sorted, count, 90),
				ring_quantile(sorted, count, 99),
				sorted[count - 1]};
}

/* ---- marks ---- */

static double seconds_between(const struct mark *a, const struct mark *b)
{
	return b->end_ns > a->end_ns ? (double)(b->end_ns - a->end_ns) / NS : 0;
}

static const struct mark *mark_at(const struct go_gc_watch *w, uint32_t i)
{
	return &w->marks[(w->mark_first + i) % MARKS];
}

/* Cycles come so fast that marks of all would not reach back far enough: the last one then makes room for a later one. */
static bool is_crowded(const struct go_gc_watch *w)
{
	const struct mark *before, *last;

	if (w->mark_count < 2)
		return false;
	before = mark_at(w, w->mark_count - 2);
	last = mark_at(w, w->mark_count - 1);
	return seconds_between(before, last) < 2 * w->options.window_s / MARKS;
}

static void add_mark(struct go_gc_watch *w, const struct go_cycles *c)
{
	struct mark *m;

	if (!c->count)
		return;
	if (w->mark_count == MARKS && !is_crowded(w)) {
		w->mark_first = (w->mark_first + 1) % MARKS;
		w->mark_count--;
	}
	if (!is_crowded(w))
		w->mark_count++;
	m = &w->marks[(w->mark_first + w->mark_count - 1) % MARKS];
	*m = (struct mark){.cycle = c->count,
			   .processors = c->processors,
			   .end_ns = c->end_ns[(c->count - 1) % GO_PAUSES],
			   .read_ns = c->read_ns,
			   .bytes = c->heap_marked,
			   .runway = c->runway,
			   .total_alloc = c->total_alloc,
			   .gc_cpu_ns = c->gc_cpu_ns,
			   .assist_ns = c->cpu_ns[GO_CPU_OF_ASSIST],
			   .all_ns = c->cpu_ns[GO_CPU_OF_ALL],
			   .cpu_known = c->cpu_known};
}

void go_gc_add(struct go_gc_watch *w, const struct go_cycles *c)
{
	if (!w->begun) {
		w->begun = true;
		w->first_cycle = c->count;
		w->last = *c;
		add_mark(w, c);
		return;
	}
	/* the count may be of the cycle that ends now, or the rest */
	if (c->count == w->last.count)
		return;
	add_pauses(w, c);
	add_mark(w, c);
	w->last = *c;
}

/* Index of the first mark of the window; all marks are in it when there are few. */
static uint32_t window_begin(const struct go_gc_watch *w, uint64_t now_ns)
{
	double window_ns = w->options.window_s * NS;
	uint32_t i = 0;

	while (i + MARKS_LEAST < w->mark_count && mark_at(w, i)->end_ns < now_ns &&
	       (double)(now_ns - mark_at(w, i)->end_ns) > window_ns)
		i++;
	return i;
}

/* Before Go 1.20 the runtime adds up the collector's time only; what there was is GOMAXPROCS times the time. */
static void read_shares(const struct mark *a, const struct mark *b, struct go_gc *out)
{
	double all = seconds_between(a, b) * b->processors * NS;

	if (a->cpu_known && b->cpu_known)
		all = (double)(b->all_ns - a->all_ns);
	if (!(all > 0) || a->gc_cpu_ns == UINT64_MAX || b->gc_cpu_ns == UINT64_MAX)
		return;
	out->gc_share = (double)(b->gc_cpu_ns - a->gc_cpu_ns) / all;
	if (a->cpu_known && b->cpu_known)
		out->assist_share = (double)(b->assist_ns - a->assist_ns) / all;
}

/* A program that has stopped to collect: the next cycle cannot come sooner than now. Then all rates are of the time until now. */
static double busy_part(const struct mark *a, const struct mark *b, uint64_t now_ns)
{
	double seconds = seconds_between(a, b);
	double silent = now_ns > b->end_ns ? (double)(now_ns - b->end_ns) / NS : 0;

	return silent > 2 * seconds / (b->cycle - a->cycle) ? seconds / (seconds + silent) : 1;
}

static void read_rates(const struct go_gc_watch *w, uint32_t begin, uint64_t now_ns,
		       struct go_gc *out)
{
	const struct mark *a = mark_at(w, begin), *b = mark_at(w, w->mark_count - 1);
	uint32_t cycles = b->cycle - a->cycle;
	double seconds = seconds_between(a, b), busy;

	if (!cycles || !(seconds > 0))
		return;
	busy = busy_part(a, b, now_ns);
	out->window_cycles = cycles;
	out->window_s = seconds / busy;
	out->cycles_per_s = busy * cycles / seconds;
	if (b->read_ns > a->read_ns)
		out->alloc_bytes_per_s = busy * (double)(b->total_alloc - a->total_alloc) * NS /
					 (double)(b->read_ns - a->read_ns);
	read_shares(a, b, out);
	out->gc_share *= busy;
	out->assist_share *= busy;
}

/* ---- what is live ---- */

/* Spread evenly, the last one always. */
static void pick_points(const struct go_gc_watch *w, uint32_t begin, struct go_gc *out)
{
	uint32_t count = w->mark_count - begin, stride = (count - 1) / GO_LIVE_POINTS + 1;
	uint32_t i;

	for (i = (count - 1) % stride; i < count; i += stride) {
		const struct mark *m = mark_at(w, begin + i);

		out->points[out->point_count++] =
			(struct go_live_point){m->cycle, m->end_ns, m->bytes};
	}
}

/* It is made of the last four cycles, of which the largest decides. */
static double mean_runway(const struct go_gc_watch *w, uint32_t begin)
{
	double sum = 0;
	uint32_t i;

	for (i = begin; i < w->mark_count; i++)
		sum += (double)mark_at(w, i)->runway;
	return sum / (w->mark_count - begin);
}

/* Some of the points, spread evenly, the last one always. */
struct series {
	uint32_t count;
	double seconds[TREND_MAX], cycles[TREND_MAX], bytes[TREND_MAX];
};

static void pick_series(const struct go_gc *g, struct series *s)
{
	uint32_t stride = (g->point_count - 1) / TREND_MAX + 1, i = (g->point_count - 1) % stride;
	const struct go_live_point *first = &g->points[i];

	for (s->count = 0; i < g->point_count; i += stride, s->count++) {
		const struct go_live_point *p = &g->points[i];

		s->seconds[s->count] =
			p->end_ns > first->end_ns ? (double)(p->end_ns - first->end_ns) / NS : 0;
		s->cycles[s->count] = p->cycle - first->cycle;
		s->bytes[s->count] = (double)p->bytes;
	}
}

static double lowest_early(const struct series *s)
{
	double lowest = s->bytes[0];
	uint32_t i;

	for (i = 1; i < s->count && i < NEAR; i++)
		lowest = fmin(lowest, s->bytes[i]);
	return lowest;
}

static void judge(const struct go_gc_watch *w, struct go_gc *g)
{
	struct trend_grid grid;
	struct series s;
	struct trend t;

	if (g->point_count < GO_GC_POINTS_LEAST)
		return;
	pick_series(g, &s);
	trend_grid_init(&grid, s.seconds, s.count);
	t = trend_of(&grid, s.bytes);
	g->live_slope = t.slope;
	g->live_low = t.low;
	g->live_high = t.high;
	g->live_p = t.p;
	g->live_grows = t.p < CHANCE_MOST && t.low > 0 &&
			t.slope * s.seconds[s.count - 1] >= w->options.threshold * lowest_early(&s);
	trend_grid_init(&grid, s.cycles, s.count);
	g->live_per_cycle = trend_of(&grid, s.bytes).slope;
}

void go_gc_read(const struct go_gc_watch *w, uint64_t now_ns, struct go_gc *out)
{
	const double unknown = (double)NAN;
	uint32_t begin;
	int i;

	*out = (struct go_gc){.known = w->begun,
			      .cycles_per_s = unknown,
			      .alloc_bytes_per_s = unknown,
			      .window_s = unknown,
			      .runway = unknown,
			      .live_slope = unknown,
			      .live_low = unknown,
			      .live_high = unknown,
			      .live_per_cycle = unknown,
			      .live_p = unknown,
			      .gc_share = unknown,
			      .assist_share = unknown};
	if (!w->begun)
		return;
	out->cycles = w->last.count - w->first_cycle;
	out->missed_pauses = w->missed;
	out->processors = w->last.processors;
	out->percent_goal = w->last.percent_goal;
	read_ring(&w->last, &out->ring);
	read_traced(w, &out->traced);
	for (i = 0; i < GO_CPU_KINDS; i++)
		out->cpu_ns[i] = w->last.cpu_known ? w->last.cpu_ns[i] : UINT64_MAX;
	if (!w->mark_count)
		return;
	begin = window_begin(w, now_ns);
	pick_points(w, begin, out);
	out->runway = mean_runway(w, begin);
	read_rates(w, begin, now_ns, out);
	judge(w, out);
}
