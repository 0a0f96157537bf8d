// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "../../user/analyse/go_gc.h"
#include "../../user/facts.h"
#include "../../user/view/report_gc.h"

#define SECOND 1000000000ull
#define START  (1000 * SECOND)

static const struct go_gc_options options = {.window_s = 30, .threshold = 0.1};

/* Cycle n ends at START + n * period and pauses for n * 1000 ns. */
struct world {
	struct go_cycles c;
	uint64_t period_ns;
};

static void world_cycle(struct world *w, uint64_t bytes)
{
	struct go_cycles *c = &w->c;
	uint32_t n = ++c->count;

	c->count_end = n;
	c->pause_ns[(n - 1) % GO_PAUSES] = n * 1000ull;
	c->end_ns[(n - 1) % GO_PAUSES] = START + n * w->period_ns;
	c->read_ns = START + n * w->period_ns;
	c->heap_marked = bytes;
	c->total_alloc += 1 << 20;
	c->processors = 2;
	c->gc_cpu_ns += w->period_ns / 5; /* a tenth of two processors */
}

static void go_gc_add__the_same_twice__counted_once(void **state)
{
	struct go_gc_watch *w = go_gc_new(&options);
	struct world world = {.period_ns = SECOND};
	struct go_gc g;
	int i;

	(void)state;
	go_gc_read(w, START, &g);
	assert_false(g.known);
	for (i = 0; i < 100; i++)
		world_cycle(&world, 1000);
	go_gc_add(w, &world.c);
	go_gc_add(w, &world.c);
	for (i = 0; i < 3; i++) {
		world_cycle(&world, 1000);
		go_gc_add(w, &world.c);
		go_gc_add(w, &world.c);
	}
	for (i = 0; i < 7; i++)
		world_cycle(&world, 1000);
	go_gc_add(w, &world.c);
	go_gc_read(w, START + 110 * SECOND, &g);
	assert_true(g.known);
	assert_int_equal(g.cycles, 10);
	assert_int_equal(g.traced.count, 10);
	assert_int_equal(g.missed_pauses, 0);
	assert_int_equal(g.traced.max_ns, 110000);
	/* the fifth of 101..110 us, at most 1/16 above */
	assert_in_range(g.traced.p50_ns, 105000, 105000 * 17 / 16);
	assert_int_equal(g.ring.min_ns, 1000);
	assert_int_equal(g.ring.p50_ns, 56000);
	assert_int_equal(g.ring.p99_ns, 109000);
	assert_int_equal(g.ring.max_ns, 110000);
	go_gc_free(w);
}

static void go_gc_add__ring_overwritten__missed_is_counted(void **state)
{
	struct go_gc_watch *w = go_gc_new(&options);
	struct world world = {.period_ns = SECOND / 1000};
	struct go_gc g;
	int i;

	(void)state;
	world_cycle(&world, 1000);
	go_gc_add(w, &world.c);
	for (i = 0; i < 600; i++)
		world_cycle(&world, 1000);
	/* while it was read four more ended, and a fifth may be ending */
	world.c.count_end = world.c.count + 4;
	go_gc_add(w, &world.c);
	go_gc_read(w, START + SECOND, &g);
	assert_int_equal(g.cycles, 600);
	assert_int_equal(g.traced.count, GO_PAUSES - 5);
	assert_int_equal(g.missed_pauses, 600 - (GO_PAUSES - 5));
	assert_int_equal(g.ring.max_ns, 601000);
	go_gc_free(w);
}

static void go_gc_read__steady__rates_between_ends_of_cycles(void **state)
{
	struct go_gc_watch *w = go_gc_new(&options);
	struct world world = {.period_ns = SECOND / 2};
	struct go_gc g;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		world_cycle(&world, 5000 + (uint64_t)(i % 3));
		go_gc_add(w, &world.c);
	}
	go_gc_read(w, START + 200 * SECOND / 2 + 1, &g);
	assert_float_equal(g.cycles_per_s, 2, 1e-6);
	assert_float_equal(g.window_s, 30, 1);
	assert_float_equal(g.alloc_bytes_per_s, 2097152.0, 1);
	assert_float_equal(g.gc_share, 0.1, 1e-6);
	assert_true(isnan(g.assist_share)); /* processor times are those of Go 1.19 */
	assert_int_equal(g.cpu_ns[GO_CPU_OF_ALL], UINT64_MAX);
	assert_false(g.live_grows);
	/* each has its point */
	assert_in_range(g.point_count, 59, 62);
	assert_int_equal(g.points[0].cycle, 200 - g.point_count + 1);
	assert_int_equal(g.points[g.point_count - 1].cycle, 200);
	/* it stops to collect: not two a second any more */
	go_gc_read(w, START + 200 * SECOND / 2 + 30 * SECOND, &g);
	assert_true(g.cycles_per_s < 1.1);
	assert_float_equal(g.alloc_bytes_per_s / g.cycles_per_s, 1048576.0, 1);
	assert_float_equal(g.gc_share / g.cycles_per_s, 0.05, 1e-6);
	go_gc_free(w);
}

static void go_gc_read__live_heap_grows__slope_and_verdict(void **state)
{
	struct go_gc_watch *w = go_gc_new(&options);
	struct world world = {.period_ns = 2 * SECOND};
	struct snapshot_process p = {.pid = 1};
	struct buffer text = {0};
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		world_cycle(&world, 1000000 + 20000 * (uint64_t)i + (uint64_t)(i * 7 % 5));
		go_gc_add(w, &world.c);
	}
	go_gc_read(w, START + 40 * SECOND, &p.go_gc);
	assert_true(p.go_gc.live_grows);
	assert_float_equal(p.go_gc.live_slope, 10000, 10);
	assert_float_equal(p.go_gc.live_per_cycle, 20000, 20);
	assert_true(p.go_gc.live_low > 9000 && p.go_gc.live_high < 11000);
	report_gc_lines[REPORT_GC_LIVE](&text, &p);
	assert_non_null(strstr(text.data, "live heap grows: +9.77K a second"));
	buffer_done(&text);
	go_gc_free(w);
}

static void go_gc_read__many_cycles_a_second__history_reaches_back(void **state)
{
	struct go_gc_watch *w = go_gc_new(&options);
	struct world world = {.period_ns = SECOND / 20};
	struct go_gc g;
	int i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		world_cycle(&world, 1000);
		go_gc_add(w, &world.c);
	}
	go_gc_read(w, START + 100 * SECOND, &g);
	assert_true(g.window_s > 20);
	assert_float_equal(g.cycles_per_s, 20, 1e-6);
	assert_int_equal(g.points[g.point_count - 1].cycle, 2000);
	go_gc_free(w);
}

static void facts_pack__collector__comes_back(void **state)
{
	struct facts f = {.time_ns = 5}, again;
	struct buffer b = {0};
	struct process_facts *p = facts_add_process(&f);
	struct unpack u;

	(void)state;
	p->number = 3;
	p->go.known = p->go_gc.known = true;
	p->go_gc.cycles_per_s = (double)NAN;
	p->go_gc.gc_share = 0.25;
	p->go_gc.cpu_ns[GO_CPU_OF_ASSIST] = UINT64_MAX;
	p->go_gc.points[0] = (struct go_live_point){7, START, 99};
	p->go_gc.points[1] = (struct go_live_point){8, START - 5, 98};
	p->go_gc.point_count = 2;
	facts_pack(&f, &b);
	u = (struct unpack){(const uint8_t *)b.data, (const uint8_t *)b.data + b.length, false};
	assert_true(facts_unpack(&again, &u));
	assert_int_equal(again.process_count, 1);
	assert_true(again.processes[0].go_gc.known);
	assert_true(isnan(again.processes[0].go_gc.cycles_per_s));
	assert_float_equal(again.processes[0].go_gc.gc_share, 0.25, 0);
	assert_int_equal(again.processes[0].go_gc.cpu_ns[GO_CPU_OF_ASSIST], UINT64_MAX);
	assert_int_equal(again.processes[0].go_gc.point_count, 2);
	assert_memory_equal(&again.processes[0].go_gc.points[0], &p->go_gc.points[0],
			    2 * sizeof(struct go_live_point));
	facts_done(&again);
	facts_done(&f);
	buffer_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_gc_add__the_same_twice__counted_once),
		cmocka_unit_test(go_gc_add__ring_overwritten__missed_is_counted),
		cmocka_unit_test(go_gc_read__steady__rates_between_ends_of_cycles),
		cmocka_unit_test(go_gc_read__live_heap_grows__slope_and_verdict),
		cmocka_unit_test(go_gc_read__many_cycles_a_second__history_reaches_back),
		cmocka_unit_test(facts_pack__collector__comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
