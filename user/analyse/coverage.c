/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x is the work of a window, y its yield. With all work X and n windows, Y = X * sum(y) / sum(x); its standard error is
 * X / mean(x) * sqrt((1 - sum(x) / X) * s2 / n), where s2 is the variance of y - x * sum(y) / sum(x).
 */
#include "coverage.h"
#include <math.h>
#include <stddef.h>

/* The cost of tracing is off by up to this share: measured, with loops of malloc and free. */
#define COST_ERROR 0.15
/* Beyond this the work in windows is not known at all. */
#define ERROR_MOST 9.0
/* However much tracing seems to take, this share of the processor time in a window is work. */
#define WORK_LEAST 0.01

static double work_of(double cpu, double cost)
{
	return fmax(cpu - cost, cpu * WORK_LEAST);
}

void coverage_advance(struct coverage *c, const struct coverage_meter *meter)
{
	double cpu = fmax(meter->cpu_ns - c->last.cpu_ns, 0);
	double cost = fmax(meter->cost_ns - c->last.cost_ns, 0), work;

	if (meter->time_ns < c->last.time_ns)
		return;
	if (c->on) {
		/* the window as a whole: in pieces the two clocks would not agree */
		c->window_cpu += cpu;
		c->window_cost += cost;
		work = work_of(c->window_cpu, c->window_cost) - c->window_work;
		c->window_work += work;
		c->covered_work += work;
		c->covered_ns += (double)(meter->time_ns - c->last.time_ns);
	} else {
		/* the last hits while probes go */
		work = work_of(cpu, cost);
	}
	c->work += work;
	c->cost += cost;
	c->last = *meter;
}

/* All over covered; by time where nothing has worked yet. */
static double scale_of(const struct coverage *c)
{
	double time = (double)(c->last.time_ns - c->first.time_ns);

	if (c->covered_work > 0)
		return fmax(c->work / c->covered_work, 1);
	return c->covered_ns > 0 ? fmax(time / c->covered_ns, 1) : 1;
}

void coverage_begin(struct coverage *c, const struct coverage_meter *meter)
{
	if (!c->windows) {
		c->first = c->last = *meter;
	} else {
		coverage_advance(c, meter);
		c->previous_work = c->window_work;
	}
	c->on = true;
	c->window_work = c->window_cpu = c->window_cost = 0;
}

static void add(struct coverage_sum *s, double x, double y)
{
	s->y += y;
	s->yy += y * y;
	s->xy += x * y;
}

void coverage_end(struct coverage *c, const struct coverage_meter *meter,
		  const struct coverage_yield *yield)
{
	double x;

	coverage_advance(c, meter);
	x = c->window_work;
	c->on = false;
	c->windows++;
	c->x += x;
	c->xx += x * x;
	add(&c->alloc_bytes, x, yield->alloc_bytes);
	add(&c->alloc_count, x, yield->alloc_count);
	add(&c->kept_bytes, x, yield->kept_bytes);
	add(&c->kept_count, x, yield->kept_count);
}

/* 97.5 % of Student's distribution lie below. */
static double student(uint64_t freedom)
{
	static const double table[] = {12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23};
	const size_t count = sizeof(table) / sizeof(table[0]);

	return freedom <= count ? table[freedom - 1] : 1.96 + 2.5 / (double)freedom;
}

/* If tracing took that much more than estimated, so much less was work, and all is scaled by so much more. */
static double error_by_cost(const struct coverage *c, double covered)
{
	double less = COST_ERROR * c->cost;

	if (less >= c->covered_work)
		return ERROR_MOST;
	return fmin(less / (c->covered_work - less), ERROR_MOST) * (1 - covered);
}

static double error_percent(const struct coverage *c, const struct coverage_sum *s)
{
	double n = (double)c->windows, covered = 1 / scale_of(c);
	double ratio, variance, by_windows, by_cost;

	if (s->y <= 0 || c->x <= 0)
		return 0;
	ratio = s->y / c->x;
	variance = fmax(s->yy - 2 * ratio * s->xy + ratio * ratio * c->xx, 0) / (n - 1);
	by_windows = student(c->windows - 1) * sqrt((1 - covered) * variance * n) / s->y;
	by_cost = error_by_cost(c, covered);
	return 100 * sqrt(by_windows * by_windows + by_cost * by_cost);
}

/* All work but that of the newest windows, over what of it was covered. */
static double scale_without(const struct coverage *c, double newest)
{
	double covered = c->covered_work - newest;

	return covered > 0 ? fmax((c->work - newest) / covered, 1) : 1;
}

/*
 * At the end of a window what it left is all there is of it, and all older blocks stand for what was born outside of it. While the next
 * one goes on, its predecessor becomes one of the older ones little by little: its blocks that are gone are found out only now.
 */
static void scale_carried(const struct coverage *c, struct coverage_figures *f)
{
	double usual = c->windows ? c->x / (double)c->windows : 0;
	double part = !c->on ? 1 : usual > 0 ? fmin(c->window_work / usual, 1) : 0;
	double with = scale_without(c, c->window_work);
	double without = scale_without(c, c->window_work + c->previous_work);

	f->scale_previous = 1 + part * (with - 1);
	f->scale_older = without + part * (with - without);
}

struct coverage_figures coverage_figures(const struct coverage *c)
{
	double time = (double)(c->last.time_ns - c->first.time_ns);
	struct coverage_figures f = {
		.partial = !c->on || c->windows,
		.paused = !c->on,
		.time_percent = time > 0 ? 100 * c->covered_ns / time : 100,
		.windows = c->windows + c->on,
		.scale = scale_of(c),
	};

	f.work_percent = 100 / f.scale;
	scale_carried(c, &f);
	f.error_known = c->windows >= 2 && c->covered_work > 0;
	if (!f.error_known)
		return f;
	f.alloc_bytes_error = error_percent(c, &c->alloc_bytes);
	f.alloc_count_error = error_percent(c, &c->alloc_count);
	f.kept_bytes_error = error_percent(c, &c->kept_bytes);
	f.kept_count_error = error_percent(c, &c->kept_count);
	return f;
}
