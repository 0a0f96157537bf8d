// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "../../user/analyse/go_advice.h"

#define MIB	1048576ull
#define MACHINE (64ull << 30)

/* 100 MiB live, no roots, 100 MiB a second at GOGC=100: one collection a second, 4 % of the processor time. */
struct world {
	struct go_figures go;
	struct go_gc gc;
	struct memory_limits limits;
};

static struct world steady(void)
{
	return (struct world){
		.go = {.known = true,
		       .gogc = 100,
		       .memory_limit = INT64_MAX,
		       .heap_marked = 100 * MIB,
		       .heap_alloc = 150 * MIB,
		       .heap_idle = 20 * MIB,
		       .heap_released = 10 * MIB,
		       .sys = 180 * MIB},
		.gc = {.known = true,
		       .cycles_per_s = 1,
		       .alloc_bytes_per_s = 100.0 * MIB,
		       .window_s = 30,
		       .window_cycles = 30,
		       .gc_share = 0.04,
		       .percent_goal = 200 * MIB,
		       .points = {{.bytes = 100 * MIB}},
		       .point_count = 1},
		.limits.v[LIMIT_MACHINE] = {true, MACHINE, MACHINE / 2},
	};
}

static struct go_advice advise(const struct world *w, enum go_workload workload)
{
	struct go_advice a;

	go_advice_make(workload, &w->go, &w->gc, &w->limits, &a);
	return a;
}

static char *text_of(const struct go_advice *a)
{
	static struct buffer text;

	buffer_reset(&text);
	buffer_add(&text, "", 0);
	go_advice_text(&text, a);
	return text.data;
}

static void go_advice_make__throughput__share_is_reached(void **state)
{
	struct world w = steady();
	struct go_advice a = advise(&w, GO_WORKLOAD_THROUGHPUT);

	(void)state;
	assert_int_equal(a.state, GO_ADVICE_CHANGE);
	assert_int_equal(a.wanted.gogc, 400);
	assert_true(a.wanted.memory_limit == INT64_MAX);
	assert_float_equal(a.before.cycles_per_s, 1, 1e-9);
	assert_float_equal(a.before.peak_bytes, 200.0 * MIB, 1);
	assert_float_equal(a.after.cycles_per_s, 0.25, 1e-9);
	assert_float_equal(a.after.peak_bytes, 500.0 * MIB, 1);
	assert_float_equal(a.after.cpu_share, 0.01, 1e-9);
	/* 180 - 20 - 150 are beside the heap */
	assert_float_equal(a.after.memory_bytes, 510.0 * MIB, 1);
	assert_non_null(strstr(text_of(&a), "set GOGC=400 GOMEMLIMIT=off (now GOGC=100"));
	assert_non_null(strstr(text_of(&a), "1 -> 0.25 collections a second"));
}

static void go_advice_make__cgroup__neither_exceeded_nor_without_limit(void **state)
{
	struct world w = steady();
	struct go_advice a;
	uint64_t ceiling;

	(void)state;
	/* 170 MiB are Go's; of 400 a tenth stays free */
	w.limits.v[LIMIT_CGROUP] = (struct memory_limit){true, 400 * MIB, 200 * MIB};
	ceiling = (170 + 200 - 40) * MIB;
	a = advise(&w, GO_WORKLOAD_THROUGHPUT);
	assert_int_equal(a.state, GO_ADVICE_CHANGE);
	assert_int_equal(a.ceiling_bytes, ceiling);
	assert_true(a.wanted.gogc > 100 && a.wanted.gogc < 200);
	assert_true(a.after.memory_bytes / 0.97 * 1.1 <= (double)ceiling);
	assert_true(a.wanted.memory_limit <= (int64_t)ceiling);
	assert_true(a.after.memory_bytes < (double)a.wanted.memory_limit);
	/* goals are reached, but nothing keeps it from being killed */
	w.gc.gc_share = 0.001;
	a = advise(&w, GO_WORKLOAD_THROUGHPUT);
	assert_int_equal(a.state, GO_ADVICE_CHANGE);
	assert_int_equal(a.wanted.gogc, 100);
	assert_int_equal(a.wanted.memory_limit, ceiling);
	w.limits.v[LIMIT_CGROUP].left_bytes = 0;
	a = advise(&w, GO_WORKLOAD_THROUGHPUT);
	assert_int_equal(a.state, GO_ADVICE_NO_ROOM);
	assert_non_null(strstr(text_of(&a), "no setting fits"));
}

static void go_advice_make__latency__at_most_one_cycle_a_second(void **state)
{
	struct world w = steady();
	struct go_advice a;

	(void)state;
	w.gc.cycles_per_s = 2;
	w.gc.alloc_bytes_per_s = 200.0 * MIB;
	a = advise(&w, GO_WORKLOAD_LATENCY);
	assert_int_equal(a.state, GO_ADVICE_CHANGE);
	assert_int_equal(a.wanted.gogc, 200);
	assert_float_equal(a.after.cycles_per_s, 1, 1e-9);
	w.gc.gc_share = 0.02;
	w.gc.cycles_per_s = 0.9;
	w.gc.alloc_bytes_per_s = 90.0 * MIB;
	a = advise(&w, GO_WORKLOAD_LATENCY);
	assert_int_equal(a.state, GO_ADVICE_KEEP);
	assert_non_null(strstr(text_of(&a), "nothing needs changing: GOGC=100"));
}

static void go_advice_make__memory__least_that_is_bearable(void **state)
{
	struct world w = steady();
	struct go_advice a = advise(&w, GO_WORKLOAD_MEMORY);

	(void)state;
	assert_int_equal(a.state, GO_ADVICE_CHANGE);
	assert_int_equal(a.wanted.gogc, 40);
	assert_float_equal(a.after.cpu_share, 0.10, 1e-9);
	assert_float_equal(a.after.peak_bytes, 140.0 * MIB, 1);
	assert_true(a.wanted.memory_limit > (int64_t)(150 * MIB));
	assert_true(a.wanted.memory_limit < (int64_t)(175 * MIB));
	w.gc.gc_share = 0.2; /* dear already */
	a = advise(&w, GO_WORKLOAD_MEMORY);
	assert_int_equal(a.state, GO_ADVICE_KEEP);
}

static void go_advice_make__bound_by_the_limit__goes_by_it(void **state)
{
	struct world w = steady();
	struct go_advice a;

	(void)state;
	/* 0.97 * (limit - 10) - 100 = 20 MiB */
	w.go.gogc = -1;
	w.go.memory_limit = (int64_t)((120 / 0.97 + 10) * (double)MIB);
	w.gc.cycles_per_s = 5;
	w.gc.gc_share = 0.2;
	a = advise(&w, GO_WORKLOAD_THROUGHPUT);
	assert_int_equal(a.state, GO_ADVICE_CHANGE);
	assert_float_equal(a.before.cycles_per_s, 5, 1e-3);
	assert_float_equal(a.before.peak_bytes, 120.0 * MIB, 1);
	/* now a cycle begins at 0.95 of 20 and takes 1; then it begins 4 before the goal: 400 = D - 4 + 1 */
	assert_int_equal(a.wanted.gogc, 425);
	assert_true((double)a.wanted.memory_limit > a.after.memory_bytes);
	assert_non_null(strstr(text_of(&a), "(now GOGC=off GOMEMLIMIT=133MiB)"));
}

static void go_advice_make__no_evidence__said(void **state)
{
	struct world w = steady();
	struct go_advice a = advise(&w, GO_WORKLOAD_NONE);

	(void)state;
	assert_int_equal(a.state, GO_ADVICE_NONE);
	assert_string_equal(text_of(&a), "");
	w.gc.window_cycles = 9;
	a = advise(&w, GO_WORKLOAD_LATENCY);
	assert_int_equal(a.state, GO_ADVICE_FEW);
	assert_non_null(strstr(text_of(&a), "9 collections seen, 10 in at least 5 s are needed"));
	w = steady();
	w.gc.gc_share = (double)NAN;
	assert_int_equal(advise(&w, GO_WORKLOAD_LATENCY).state, GO_ADVICE_FEW);
	w = steady();
	w.gc.live_grows = true;
	a = advise(&w, GO_WORKLOAD_LATENCY);
	assert_int_equal(a.state, GO_ADVICE_GROWS);
	assert_non_null(strstr(text_of(&a), "the live heap grows"));
	w = steady();
	w.gc.cycles_per_s = 10; /* a tenth of the distance: runtime.GC() */
	a = advise(&w, GO_WORKLOAD_LATENCY);
	assert_int_equal(a.state, GO_ADVICE_UNRELATED);
	assert_non_null(strstr(text_of(&a), "runtime.GC()"));
}

static void go_advice_make__roots_and_small_heaps__as_the_runtime(void **state)
{
	struct world w = steady();
	struct go_advice a;

	(void)state;
	/* 20 MiB of stacks and globals: 100 + 120 */
	w.gc.percent_goal = 220 * MIB;
	w.gc.cycles_per_s = 1 / 1.2;
	a = advise(&w, GO_WORKLOAD_THROUGHPUT);
	assert_float_equal(a.after.peak_bytes, (100.0 + 1.2 * (double)a.wanted.gogc) * MIB, 1);
	/* 1 MiB live: the goal is 4 MiB at GOGC=100 */
	w = steady();
	w.gc.points[0].bytes = w.go.heap_marked = MIB;
	w.gc.percent_goal = 4 * MIB;
	w.gc.alloc_bytes_per_s = 3.0 * MIB;
	a = advise(&w, GO_WORKLOAD_THROUGHPUT);
	assert_float_equal(a.before.peak_bytes, 4.0 * MIB, 1);
	/* the goal is 14; a cycle begins at 0.95 of 3, then of 13 */
	assert_int_equal(a.wanted.gogc, 350);
	assert_float_equal(a.after.peak_bytes, (1 + 0.95 * 13 + 0.05 * 3) * MIB, 1);
}

/* A cycle begins earlier by the runway, but not before 0.7 of the way: with more room there is less of it. */
static void go_advice_make__runway__as_the_runtime(void **state)
{
	struct world w = steady();
	struct go_advice a;

	(void)state;
	w.gc.runway = 40.0 * MIB;
	/* T = 70, M = 5 */
	w.gc.cycles_per_s = 100.0 / 75;
	a = advise(&w, GO_WORKLOAD_THROUGHPUT);
	assert_float_equal(a.before.peak_bytes, 175.0 * MIB, 1);
	assert_float_equal(a.before.cycles_per_s, 100.0 / 75, 1e-6);
	/* share = 0.04 * 75 / B <= 0.01: B = D - 40 + 5 >= 300 */
	assert_int_equal(a.wanted.gogc, 350);
	assert_float_equal(a.after.peak_bytes, (100.0 + 350 - 40 + 5) * MIB, 1);
}

static void go_workload_parse__names__and_no_others(void **state)
{
	enum go_workload w;

	(void)state;
	assert_true(go_workload_parse("low-latency", &w));
	assert_int_equal(w, GO_WORKLOAD_LATENCY);
	assert_string_equal(go_workload_name(w), "low-latency");
	assert_true(go_workload_parse("high-throughput", &w));
	assert_true(go_workload_parse("memory-constrained", &w));
	assert_false(go_workload_parse("", &w));
	assert_false(go_workload_parse("low", &w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_advice_make__throughput__share_is_reached),
		cmocka_unit_test(go_advice_make__cgroup__neither_exceeded_nor_without_limit),
		cmocka_unit_test(go_advice_make__latency__at_most_one_cycle_a_second),
		cmocka_unit_test(go_advice_make__memory__least_that_is_bearable),
		cmocka_unit_test(go_advice_make__bound_by_the_limit__goes_by_it),
		cmocka_unit_test(go_advice_make__no_evidence__said),
		cmocka_unit_test(go_advice_make__roots_and_small_heaps__as_the_runtime),
		cmocka_unit_test(go_advice_make__runway__as_the_runtime),
		cmocka_unit_test(go_workload_parse__names__and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
