/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growth of sampled programs against the truth, and sums over processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../user/analyse/build.h"
#include "sample_world.h"

#define SEEDS 200
#define S     1000000000ull
#define MEAN  4096
#define TICKS 20

/* Blocks stay, or go at random; half of the sites grow. */
static void work(struct world *w, bool shrinks)
{
	for (int i = 0; i < 640; i++) {
		uint32_t site = 1 + (uint32_t)i % WORLD_SITES;

		world_alloc(w, 0, site, 100 + 50 * site);
		if (w->live_count && (shrinks || world_uniform(w) < 0.5))
			world_free_one(w, (uint32_t)(world_uniform(w) * w->live_count));
	}
}

struct tally {
	long sites, covered, processes, processes_covered;
	double errors, squares;
};

static bool holds(struct interval i, double truth)
{
	return i.low <= truth && truth <= i.high;
}

static void check_growth(struct world *w, struct growth *g, const struct totals *then,
			 const struct totals *all_then, struct tally *t)
{
	struct snapshot s;
	double truth, error;

	assert_int_equal(snapshot_build(&s, w->heap, g, w->now_ns), 0);
	for (size_t i = 0; i < s.site_count; i++) {
		uint64_t number = heap_site(w->heap, s.sites[i].site)->stack_id;
		double growth = s.sites[i].growth_bytes_per_s;

		truth = ((double)w->sites[number].outstanding_bytes -
			 (double)then[number].outstanding_bytes) /
			(TICKS / 2);
		t->covered += holds(uncertain_growth(s.sites[i].uncertain, growth), truth);
		t->sites++;
	}
	truth = ((double)w->all.outstanding_bytes - (double)all_then->outstanding_bytes) /
		(TICKS / 2);
	error = s.processes[0].growth_bytes_per_s - truth;
	t->processes_covered +=
		holds(uncertain_growth(s.processes[0].uncertain, s.processes[0].growth_bytes_per_s),
		      truth);
	t->processes++;
	t->errors += error;
	t->squares += error * error;
	snapshot_free(&s);
}

static void run(uint64_t seed, bool shrinks, struct tally *t)
{
	struct growth_options options = {.window_s = TICKS / 2, .interval_s = 1, .threshold = 0.1};
	struct world *w = world_new(MEAN, seed);
	struct growth *g = growth_new(&options);
	struct totals then[WORLD_SITES + 1] = {{0}}, all_then = {0};

	growth_sample(g, w->heap, 0);
	for (uint64_t i = 1; i <= TICKS; i++) {
		work(w, shrinks && i > TICKS / 2);
		w->now_ns = i * S;
		assert_int_equal(growth_sample(g, w->heap, w->now_ns), 0);
		if (i == TICKS / 2) {
			memcpy(then, w->sites, sizeof(then));
			all_then = w->all;
		}
	}
	check_growth(w, g, then, &all_then, t);
	growth_free(g);
	world_free(w);
}

static void check(bool shrinks)
{
	struct tally t = {0};
	double mean, error;

	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run(seed, shrinks, &t);
	mean = t.errors / SEEDS;
	error = sqrt((t.squares / SEEDS - mean * mean) / SEEDS);
	print_message("sites %.3f, processes %.3f\n", (double)t.covered / (double)t.sites,
		      (double)t.processes_covered / (double)t.processes);
	assert_true(fabs(mean) < 4 * error);
	assert_in_range(1000 * t.covered / t.sites, 930, 970);
	/* 200 of them: three standard errors are 0.046 */
	assert_in_range(1000 * t.processes_covered / t.processes, 905, 995);
}

static void growth__sampled_and_growing__unbiased_and_covered(void **state)
{
	(void)state;
	check(false);
}

static void growth__sampled_and_replaced__unbiased_and_covered(void **state)
{
	(void)state;
	check(true);
}

static struct uncertain one(double variance)
{
	struct uncertain u = {.sample_bytes = MEAN, .growth_variance = variance};

	u.errors.alloc = (struct error_sums){.seen_bytes = 10,
					     .seen_count = 1,
					     .missing_bytes = 100,
					     .missing_count = 10,
					     .bytes_variance = variance,
					     .count_variance = variance};
	return u;
}

static void uncertain_add__drawn_alone__variances_add_up(void **state)
{
	struct uncertain sum = {0}, u = one(16);

	(void)state;
	uncertain_add(&sum, &u);
	uncertain_add(&sum, &u);
	assert_true(sum.errors.alloc.bytes_variance == 32 && sum.growth_variance == 32);
	assert_int_equal(sum.errors.alloc.seen_bytes, 20);
	assert_int_equal(sum.sample_bytes, MEAN);
}

static void uncertain_add_copy__same_blocks__standard_errors_add_up(void **state)
{
	struct uncertain sum = {0}, u = one(16);

	(void)state;
	uncertain_add(&sum, &u);
	uncertain_add_copy(&sum, &u);
	assert_true(sum.errors.alloc.bytes_variance == 64 && sum.growth_variance == 64);
	assert_true(errors_of(&sum.errors, FIGURE_OUTSTANDING).count_variance == 64);
}

static void uncertain_count_text__sizes_vary__lower_end(void **state)
{
	struct uncertain u = one(100);
	char text[INTERVAL_TEXT];

	(void)state;
	assert_string_equal(uncertain_count_text(&u, FIGURE_ALLOC, 11, text, sizeof(text)),
			    "2..47");
	u.sizes_vary = true;
	assert_string_equal(uncertain_count_text(&u, FIGURE_ALLOC, 11, text, sizeof(text)),
			    "at least 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growth__sampled_and_growing__unbiased_and_covered),
		cmocka_unit_test(growth__sampled_and_replaced__unbiased_and_covered),
		cmocka_unit_test(uncertain_add__drawn_alone__variances_add_up),
		cmocka_unit_test(uncertain_count_text__sizes_vary__lower_end),
		cmocka_unit_test(uncertain_add_copy__same_blocks__standard_errors_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
