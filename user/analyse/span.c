/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "span.h"
#include <math.h>
#include <stddef.h>
#include "../base/clock.h"

double span_seconds(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / NS_PER_S : 0;
}

/* Grids from times of which the last is now. */
static void make_grids(struct judge_window *w)
{
	double seconds[TREND_MAX];

	w->recent = 0;
	for (uint32_t i = 0; i < w->count; i++)
		seconds[i] = span_seconds(w->times_ns[0], w->times_ns[i]);
	while (w->recent + 1 < w->count && seconds[w->recent] < seconds[w->count - 1] / 2)
		w->recent++;
	trend_grid_init(&w->grid, seconds, w->count);
	trend_grid_init(&w->recent_grid, seconds + w->recent, w->count - w->recent);
}

void judge_window_init(struct judge_window *w, const uint64_t *times_ns, uint32_t count)
{
	uint32_t stride = count ? (count - 1) / TREND_MAX + 1 : 1;

	w->count = 0;
	w->now_ns = count ? times_ns[count - 1] : 0;
	for (uint32_t i = count ? (count - 1) % stride : 0; i < count; i += stride)
		w->times_ns[w->count++] = times_ns[i];
	make_grids(w);
}

void judge_window_longer(struct judge_window *to, const struct judge_window *w, double seconds)
{
	uint64_t step_ns = (uint64_t)(seconds * NS_PER_S / (TREND_MAX - 1));

	to->now_ns = w->now_ns;
	to->count = TREND_MAX;
	for (uint32_t i = 0; i < TREND_MAX; i++)
		to->times_ns[i] = w->now_ns - step_ns * (TREND_MAX - 1 - i);
	make_grids(to);
}

/* Samples and points are both in order: one walk through both. */
void span_read(struct span *p, const struct judge_window *w, const struct series *s)
{
	const struct series_point *first = w->count ? series_at(s, w->times_ns[0]) : NULL;
	uint32_t at = first ? (uint32_t)(first - s->v) : 0;

	p->count = w->count;
	p->recent = w->recent;
	p->grid = &w->grid;
	p->recent_grid = &w->recent_grid;
	p->seconds = w->count ? span_seconds(w->times_ns[0], w->times_ns[w->count - 1]) : 0;
	for (uint32_t i = 0; i < w->count; i++) {
		const struct series_point *v;

		while (at + 1 < s->count && s->v[at + 1].time_ns <= w->times_ns[i])
			at++;
		v = at < s->count && s->v[at].time_ns <= w->times_ns[i] ? &s->v[at] : NULL;
		p->bytes[i] = v ? (double)v->bytes : 0;
		p->blocks[i] = v ? (double)v->count : 0;
		p->elders[i] = v ? v->elders : 0;
	}
}

struct rise span_rise(const double *v, uint32_t count)
{
	struct rise r = {0};
	double first = 0;
	uint32_t left = 0;

	for (uint32_t i = 1; i < count; i++) {
		double pair = v[i] - v[i > 1 ? i - 2 : 0];

		if (pair > first) {
			first = pair;
			left = i;
		}
	}
	for (uint32_t i = 1; i < count; i++)
		if (i != left && i + 1 != left)
			r.step = fmax(r.step, v[i] - v[i - 1]);
	r.sum = count ? v[count - 1] - v[0] - first : 0;
	return r;
}
