/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/budget.c: targets in steps of simulated time, and whether the limit holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "../../user/budget.h"

#define S 1000000000ull

struct world {
	uint64_t closing_ns; /* probes go so long, and cost as before */
	struct budget budget;
	uint64_t now_ns, on_ns, closing_until_ns;
	double cost_ns, cpu_ns;
	double processors; /* that the target uses */
	double share;	   /* of its time that tracing takes while on */
	unsigned int windows;
	bool given_up;
};

static uint64_t closing_ns;

static void open_world(struct world *w, double percent, double processors, double share)
{
	*w = (struct world){.closing_ns = S / 10,
			    .now_ns = 5 * S,
			    .processors = processors,
			    .share = share,
			    .windows = 1};
	budget_begin(&w->budget, percent, 42, w->now_ns, 0, 0);
}

static void pass_time(struct world *w)
{
	double cpu = w->processors * BUDGET_STEP_NS;
	bool traps = w->budget.on || w->closing_until_ns;

	w->now_ns += BUDGET_STEP_NS;
	w->cpu_ns += cpu;
	w->cost_ns += traps ? cpu * w->share : 0;
	w->on_ns += w->budget.on && !w->closing_until_ns ? BUDGET_STEP_NS : 0;
}

static void obey(struct world *w, enum budget_action action)
{
	switch (action) {
	case BUDGET_STAY: break;
	case BUDGET_OPEN:
		w->windows++;
		budget_switched(&w->budget, true, w->now_ns, w->cost_ns, w->cpu_ns);
		break;
	case BUDGET_GIVE_UP: w->given_up = true; break;
	case BUDGET_CLOSE: w->closing_until_ns = w->now_ns + w->closing_ns; break;
	}
}

static void run(struct world *w, double seconds)
{
	uint64_t end = w->now_ns + (uint64_t)(seconds * 1e9);

	while (w->now_ns < end && !w->given_up) {
		pass_time(w);
		if (!w->closing_until_ns) {
			obey(w, budget_step(&w->budget, w->now_ns, w->cost_ns, w->cpu_ns));
		} else if (w->now_ns >= w->closing_until_ns) {
			w->closing_until_ns = 0;
			budget_switched(&w->budget, false, w->now_ns, w->cost_ns, w->cpu_ns);
		}
	}
}

static double percent_of(double part, double whole)
{
	return 100 * part / whole;
}

static void budget__cheap_target__never_closed(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 5, 1, 0.04);
	run(&w, 600);
	assert_true(w.budget.on);
	assert_int_equal(w.windows, 1);
}

static void expect_kept(double percent, double processors, double share, double seconds)
{
	struct world w;
	double cost;

	open_world(&w, percent, processors, share);
	w.closing_ns = closing_ns;
	run(&w, seconds);
	cost = percent_of(w.cost_ns, w.cpu_ns);
	assert_false(w.given_up);
	if (cost > percent * 1.02 || cost < percent * 0.6)
		fail_msg("limit %g, %g processors, share %g: %.3f%% in %u windows", percent,
			 processors, share, cost, w.windows);
	assert_true(w.windows > 10);
}

static void expect_all_kept(void)
{
	expect_kept(5, 1, 0.25, 600);
	expect_kept(5, 1, 0.97, 600);
	expect_kept(5, 16, 0.5, 600);
	expect_kept(1, 1, 0.5, 3600);
	expect_kept(20, 2, 0.9, 300);
	expect_kept(5, 0.02, 0.5, 3600);
}

static void budget__dear_targets__below_the_limit_and_near_it(void **state)
{
	(void)state;
	closing_ns = S / 10;
	expect_all_kept();
}

/* As by perf events. */
static void budget__probes_that_go_slowly__counted_too(void **state)
{
	(void)state;
	closing_ns = 2 * S;
	expect_kept(5, 1, 0.25, 3600);
	expect_kept(5, 16, 0.5, 3600);
	expect_kept(20, 2, 0.9, 3600);
	expect_kept(1, 1, 0.5, 7200);
}

/* Cheap for long: what was saved is not spent at once. */
static void budget__burst_after_long_quiet__soon_limited(void **state)
{
	struct world w;
	double cost, cpu;

	(void)state;
	open_world(&w, 5, 1, 0.001);
	run(&w, 3600);
	cost = w.cost_ns;
	cpu = w.cpu_ns;
	w.share = 0.9;
	run(&w, 30);
	assert_true(percent_of(w.cost_ns - cost, w.cpu_ns - cpu) < 12);
}

/* Bursts that come as regularly as windows could: each moment has its chance. */
static void budget__windows__not_in_step(void **state)
{
	struct world w;
	uint64_t last = 0, shortest = UINT64_MAX, longest = 0;

	(void)state;
	open_world(&w, 5, 1, 0.5);
	for (unsigned int n = w.windows; n < 60;) {
		run(&w, 0.05);
		if (w.windows == n)
			continue;
		n = w.windows;
		if (n > 3) {
			uint64_t period = w.now_ns - last;

			shortest = period < shortest ? period : shortest;
			longest = period > longest ? period : longest;
		}
		last = w.now_ns;
	}
	assert_true(longest > shortest + shortest / 4);
}

static void budget__too_dear_at_the_smallest_share__given_up(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 0.1, 1, 0.5);
	run(&w, 60);
	assert_true(w.given_up);
	assert_int_equal(w.windows, 2);
}

/* A start that allocates much is no reason to give up. */
static void budget__too_dear_once__goes_on(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 0.1, 1, 0.5);
	run(&w, 1);
	w.share = 0.02;
	run(&w, 600);
	assert_false(w.given_up);
	assert_true(w.windows > 3);
}

/* It earns nothing, but what costs nothing can be looked at; and it owes nothing for that when it wakes up. */
static void budget__idle_target__watched_until_it_costs(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 5, 1, 0.5);
	run(&w, 1);
	assert_false(w.budget.on);
	w.processors = 0;
	run(&w, 600);
	assert_false(w.given_up);
	assert_true(w.budget.on);
	w.processors = 1;
	run(&w, 2);
	assert_false(w.budget.on);
	run(&w, 120);
	assert_true(w.windows > 6);
	assert_true(percent_of(w.cost_ns, w.cpu_ns) < 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budget__cheap_target__never_closed),
		cmocka_unit_test(budget__dear_targets__below_the_limit_and_near_it),
		cmocka_unit_test(budget__probes_that_go_slowly__counted_too),
		cmocka_unit_test(budget__burst_after_long_quiet__soon_limited),
		cmocka_unit_test(budget__windows__not_in_step),
		cmocka_unit_test(budget__too_dear_at_the_smallest_share__given_up),
		cmocka_unit_test(budget__too_dear_once__goes_on),
		cmocka_unit_test(budget__idle_target__watched_until_it_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
