/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/coverage.c and scale.c: simulated processes whose truth is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "../../user/analyse/build.h"
#include "../../user/analyse/scale.h"

#define S 1000000000ull

static uint64_t random_state;

static double uniform(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (double)(random_state >> 11) * 0x1p-53;
}

/* By the sum of twelve. */
static double normal(double mean, double deviation)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += uniform();
	return mean + deviation * sum;
}

static void expect_near(double value, double expected, double part)
{
	if (fabs(value - expected) > part * fabs(expected) + 1e-9)
		fail_msg("%g instead of %g", value, expected);
}

/* ---- figures ---- */

static struct coverage_meter meter(double seconds, double cost_s, double cpu_s)
{
	return (struct coverage_meter){.time_ns = (uint64_t)(seconds * 1e9) + S,
				       .cost_ns = cost_s * 1e9,
				       .cpu_ns = cpu_s * 1e9};
}

static void coverage__one_window__nothing_is_partial(void **state)
{
	struct coverage c = {0};
	struct coverage_meter m = meter(0, 0, 0);
	struct coverage_figures f;

	(void)state;
	coverage_begin(&c, &m);
	m = meter(10, 3, 8);
	coverage_advance(&c, &m);
	f = coverage_figures(&c);
	assert_false(f.partial);
	assert_false(f.error_known);
	expect_near(f.scale, 1, 0);
	expect_near(f.time_percent, 100, 0);
}

/* A second in a window, of which tracing takes 0.6, is 0.4 of work; one outside is a whole one. */
static void coverage__window_and_pause__scaled_by_work(void **state)
{
	static const struct coverage_yield yield = {.alloc_bytes = 1};
	struct coverage c = {0};
	struct coverage_meter m = meter(0, 0, 0);
	struct coverage_figures f;

	(void)state;
	coverage_begin(&c, &m);
	m = meter(1, 0.6, 1);
	coverage_end(&c, &m, &yield);
	m = meter(5, 0.6, 4.6);
	coverage_advance(&c, &m);
	f = coverage_figures(&c);
	assert_true(f.partial);
	assert_true(f.paused);
	expect_near(f.scale, (0.4 + 3.6) / 0.4, 1e-9);
	expect_near(f.time_percent, 20, 1e-9);
	expect_near(f.work_percent, 10, 1e-9);
	assert_false(f.error_known);
}

static void coverage__idle__scaled_by_time(void **state)
{
	static const struct coverage_yield yield = {0};
	struct coverage c = {0};
	struct coverage_meter m = meter(0, 0, 0);

	(void)state;
	coverage_begin(&c, &m);
	m = meter(1, 0, 0);
	coverage_end(&c, &m, &yield);
	m = meter(4, 0, 0);
	coverage_advance(&c, &m);
	expect_near(coverage_figures(&c).scale, 4, 1e-9);
}

/* More than all of the time, by a clock that lags or a cost that is overestimated: still a scale. */
static void coverage__cost_above_all_time__finite(void **state)
{
	static const struct coverage_yield yield = {.alloc_bytes = 5};
	struct coverage c = {0};
	struct coverage_meter m = meter(0, 0, 0);
	struct coverage_figures f;

	(void)state;
	for (int i = 0; i < 3; i++) {
		coverage_begin(&c, &m);
		m = meter(i + 0.5, 2 * i + 2, i + 0.5);
		coverage_end(&c, &m, &yield);
		m = meter(i + 1, 2 * i + 2, i + 1);
		coverage_advance(&c, &m);
	}
	f = coverage_figures(&c);
	assert_true(isfinite(f.scale) && f.scale >= 1 && f.scale <= 300);
	assert_true(f.error_known && isfinite(f.alloc_bytes_error));
	assert_true(f.alloc_bytes_error > 100);
}

/*
 * A process that allocates `rate` bytes a second of work, now more, now less, for 300 s; traced for `share` of it. The
 * estimate, and whether the truth lies within the stated error.
 */
static bool run_process(double share, double swing, double cost_s, double *part_off)
{
	double work = 0, cost = 0, time = 0, truth = 0, seen;
	struct coverage c = {0};
	struct coverage_meter m = meter(0, 0, 0);
	struct coverage_figures f;
	double total_seen = 0;

	for (int window = 0; window < 60; window++) {
		double off = 0.5 / share * (0.5 + uniform()) - 0.5, rate;

		coverage_begin(&c, &m);
		rate = fmax(normal(1000, 1000 * swing), 0);
		seen = rate * 0.5;
		work += 0.5;
		time += 0.5 + cost_s;
		cost += cost_s;
		truth += seen;
		total_seen += seen;
		m = meter(time, cost, work + cost);
		coverage_end(&c, &m, &(struct coverage_yield){.alloc_bytes = seen});
		/* half seconds of their own */
		for (; off > 0; off -= 0.5) {
			double piece = fmin(off, 0.5);

			truth += fmax(normal(1000, 1000 * swing), 0) * piece;
			work += piece;
			time += piece;
		}
		m = meter(time, cost, work + cost);
		coverage_advance(&c, &m);
	}
	f = coverage_figures(&c);
	*part_off = total_seen * f.scale / truth - 1;
	return fabs(*part_off) * 100 <= f.alloc_bytes_error;
}

/* Of 1000; *mean is how far they are off on average. */
static int count_within(double share, double cost_s, double *mean)
{
	int within = 0;
	double off;

	random_state = 1;
	*mean = 0;
	for (int i = 0; i < 1000; i++) {
		within += run_process(share, 0.6, cost_s, &off);
		*mean += off / 1000;
	}
	return within;
}

static void coverage__many_processes__truth_within_the_stated_error(void **state)
{
	double mean;

	(void)state;
	assert_in_range(count_within(0.1, 0, &mean), 930, 970);
	assert_true(fabs(mean) < 0.01);
	assert_in_range(count_within(0.5, 0, &mean), 930, 970);
	assert_true(fabs(mean) < 0.01);
	/* the error of the cost comes to it */
	assert_in_range(count_within(0.1, 0.3, &mean), 950, 1000);
	assert_true(fabs(mean) < 0.01);
}

/* ---- heaps ---- */

#define UNIT_NS	   1000000ull /* one unit of work */
#define CACHED	   50
#define LEAK_EVERY 4
#define CACHE_AT   0x100000ull
#define LEAK_AT	   0x900000ull

struct simulation {
	struct heap *heap;
	struct coverage coverage;
	struct window_sums before;
	uint64_t unit;
	bool on;
};

static void send_alloc(struct simulation *s, uint64_t address, uint64_t bytes, uint64_t stack)
{
	struct event_alloc e = {.h = {.time_ns = s->unit * UNIT_NS + S,
				      .process = 1,
				      .tid = 9,
				      .size = sizeof(e),
				      .type = EVENT_ALLOC,
				      .call = CALL_ID_MALLOC},
				.address = address,
				.bytes = bytes,
				.stack = stack};

	if (s->on)
		heap_apply(s->heap, &e.h);
}

static void send_free(struct simulation *s, uint64_t address)
{
	struct event_free e = {.h = {.time_ns = s->unit * UNIT_NS + S,
				     .process = 1,
				     .tid = 9,
				     .size = sizeof(e),
				     .type = EVENT_FREE,
				     .call = CALL_ID_FREE},
			       .address = address};

	if (s->on)
		heap_apply(s->heap, &e.h);
}

static struct coverage_meter simulated_meter(const struct simulation *s)
{
	double seconds = (double)(s->unit * UNIT_NS) / 1e9;

	return meter(seconds, 0, seconds);
}

static void work(struct simulation *s, uint64_t units)
{
	while (units--) {
		uint64_t slot = CACHE_AT + s->unit % CACHED * 64;

		s->unit++;
		send_free(s, slot);
		send_alloc(s, slot, 200, 5);
		if (s->unit % LEAK_EVERY == 0)
			send_alloc(s, LEAK_AT + s->unit * 64, 64, 6);
	}
}

static void switch_on(struct simulation *s, bool first)
{
	struct coverage_meter m = simulated_meter(s);

	if (!first)
		heap_window_begin(s->heap, s->unit * UNIT_NS + S + 1);
	heap_window_sums(s->heap, &s->before);
	coverage_begin(&s->coverage, &m);
	s->on = true;
}

static void switch_off(struct simulation *s)
{
	struct coverage_meter m = simulated_meter(s);
	struct window_sums now;

	heap_window_sums(s->heap, &now);
	coverage_end(&s->coverage, &m,
		     &(struct coverage_yield){
			     .alloc_bytes = (double)(now.alloc_bytes - s->before.alloc_bytes),
			     .kept_bytes = (double)now.fresh_bytes});
	s->on = false;
}

static struct snapshot look(struct simulation *s)
{
	struct coverage_meter m = simulated_meter(s);
	struct coverage_figures f;
	struct snapshot shot;

	coverage_advance(&s->coverage, &m);
	f = coverage_figures(&s->coverage);
	assert_null(heap_check(s->heap));
	assert_int_equal(snapshot_build(&shot, s->heap, NULL, s->unit * UNIT_NS + S), 0);
	snapshot_scale(&shot, s->heap, &f);
	return shot;
}

static struct totals site_with(const struct snapshot *shot, uint32_t site)
{
	for (size_t i = 0; i < shot->site_count; i++) {
		if (shot->sites[i].site == site)
			return shot->sites[i].totals;
	}
	fail_msg("no site %u", site);
	return (struct totals){0};
}

static void expect_sane(const struct snapshot *shot)
{
	struct totals sum = {0};

	for (size_t i = 0; i < shot->site_count; i++) {
		const struct totals *t = &shot->sites[i].totals;

		assert_int_equal(t->alloc_bytes - t->free_bytes, t->outstanding_bytes);
		assert_int_equal(t->alloc_count - t->free_count, t->outstanding_count);
		assert_true(t->free_bytes <= t->alloc_bytes && t->free_count <= t->alloc_count);
		assert_true(t->peak_bytes >= t->outstanding_bytes);
		assert_true(t->temporary_count <= t->free_count);
		totals_add(&sum, t);
	}
	assert_int_equal(sum.outstanding_bytes, shot->processes[0].totals.outstanding_bytes);
	assert_int_equal(sum.alloc_count, shot->processes[0].totals.alloc_count);
	assert_int_equal(sum.free_count, shot->processes[0].totals.free_count);
}

static void open_simulation(struct simulation *s)
{
	memset(s, 0, sizeof(*s));
	s->heap = heap_new(&(struct heap_options){.generation_ns = S});
	assert_int_equal(heap_add_process(s->heap, 1, 100, "one", 0), 1);
	switch_on(s, true);
}

/* A leak is scaled; a cache whose blocks live shorter than a window is what it is. At every moment. */
static void scale__leak_and_cache__figures_near_the_truth(void **state)
{
	struct simulation s;

	(void)state;
	random_state = 7;
	open_simulation(&s);
	for (int window = 0; window < 40; window++) {
		for (int piece = 0; piece < 5; piece++) {
			struct snapshot shot;

			work(&s, 100);
			shot = look(&s);
			expect_sane(&shot);
			snapshot_free(&shot);
		}
		switch_off(&s);
		for (int piece = 0; piece < 3; piece++) {
			struct snapshot shot;

			work(&s, 1000 + (uint64_t)(1000 * uniform()));
			shot = look(&s);
			expect_sane(&shot);
			if (window >= 5) {
				expect_near((double)site_with(&shot, 1).outstanding_count, CACHED,
					    0.02);
				expect_near((double)site_with(&shot, 2).outstanding_count,
					    (double)s.unit / LEAK_EVERY, 0.05);
				expect_near((double)site_with(&shot, 1).alloc_count, (double)s.unit,
					    0.01);
			}
			snapshot_free(&shot);
		}
		switch_on(&s, false);
	}
	heap_free(s.heap);
}

/* Neither at the begin nor at the end of a window do figures jump. */
static void scale__window_begins__outstanding_goes_on_smoothly(void **state)
{
	struct simulation s;
	struct snapshot before, after;

	(void)state;
	open_simulation(&s);
	for (int window = 0; window < 6; window++) {
		work(&s, 500);
		switch_off(&s);
		work(&s, 4500);
		before = look(&s);
		switch_on(&s, false);
		after = look(&s);
		assert_int_equal(before.processes[0].totals.outstanding_bytes,
				 after.processes[0].totals.outstanding_bytes);
		assert_int_equal(before.processes[0].totals.alloc_bytes,
				 after.processes[0].totals.alloc_bytes);
		snapshot_free(&before);
		snapshot_free(&after);
	}
	heap_free(s.heap);
}

static void scale__everything_covered__untouched(void **state)
{
	struct simulation s;
	struct snapshot shot;

	(void)state;
	open_simulation(&s);
	work(&s, 1000);
	shot = look(&s);
	assert_false(shot.coverage.partial);
	assert_int_equal(shot.processes[0].totals.alloc_count, 1250);
	assert_int_equal(site_with(&shot, 1).outstanding_count, CACHED);
	snapshot_free(&shot);
	heap_free(s.heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coverage__one_window__nothing_is_partial),
		cmocka_unit_test(coverage__window_and_pause__scaled_by_work),
		cmocka_unit_test(coverage__idle__scaled_by_time),
		cmocka_unit_test(coverage__cost_above_all_time__finite),
		cmocka_unit_test(coverage__many_processes__truth_within_the_stated_error),
		cmocka_unit_test(scale__leak_and_cache__figures_near_the_truth),
		cmocka_unit_test(scale__window_begins__outstanding_goes_on_smoothly),
		cmocka_unit_test(scale__everything_covered__untouched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
