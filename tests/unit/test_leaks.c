/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdicts on the labelled programs of tests/leaks/, some seeds of each: at least 95 of 100 leaks are found within 30 s of
 * their evidence, at most 1 of 100 healthy sites is called a leak. make leaks does the same with many more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "../leaks/world.c"
#include "../leaks/own_healthy.c"
#undef TICK
#include "../leaks/own_leaks.c"

#define SEEDS	    4
#define STACKS_MOST 4

static void run_all(const struct workload *set, uint64_t *outcomes, uint64_t *naive)
{
	const struct world_options options = {0};
	struct judged judged;

	for (; set->name; set++) {
		/* 9 million events each */
		uint64_t seeds = strcmp(set->name, "slow_busy") ? SEEDS : 1;

		for (uint64_t seed = 1; seed <= seeds; seed++) {
			assert_true(world_run(set, seed, &options, &judged));
			for (uint32_t i = 0; i < judged.count; i++) {
				outcomes[judged.sites[i].outcome]++;
				naive[judged.sites[i].naive]++;
				if (judged.sites[i].outcome == OUTCOME_MISSED ||
				    judged.sites[i].outcome == OUTCOME_ALARM)
					print_message("%s, seed %d: %s\n", set->name, (int)seed,
						      judged.sites[i].name);
			}
		}
	}
}

static void verdicts__labelled_programs__within_targets(void **state)
{
	uint64_t v[OUTCOMES] = {0}, naive[OUTCOMES] = {0};

	(void)state;
	run_all(own_leaks, v, naive);
	run_all(own_healthy, v, naive);
	print_message("found %d, missed %d, healthy %d, alarms %d\n", (int)v[OUTCOME_FOUND],
		      (int)v[OUTCOME_MISSED], (int)v[OUTCOME_HEALTHY], (int)v[OUTCOME_ALARM]);
	assert_true(v[OUTCOME_FOUND] + v[OUTCOME_MISSED] >= 70);
	assert_true(v[OUTCOME_HEALTHY] + v[OUTCOME_ALARM] >= 110);
	assert_true(v[OUTCOME_MISSED] * 20 <= v[OUTCOME_FOUND] + v[OUTCOME_MISSED]);
	assert_true(v[OUTCOME_ALARM] * 100 <= v[OUTCOME_HEALTHY] + v[OUTCOME_ALARM]);
	/* the rule that compares first and last calls nearly all that moves a leak */
	assert_true(naive[OUTCOME_ALARM] > naive[OUTCOME_HEALTHY]);
}

/* The same seed is the same world. */
static void world_run__same_seed__same_outcome(void **state)
{
	const struct world_options options = {0};
	struct judged a, b;

	(void)state;
	assert_true(world_run(&own_leaks[5], 7, &options, &a));
	assert_true(world_run(&own_leaks[5], 7, &options, &b));
	assert_int_equal(a.events, b.events);
	assert_true(a.sites[0].called_s == b.sites[0].called_s);
	assert_true(world_run(&own_leaks[5], 8, &options, &b));
	assert_int_not_equal(a.events, b.events);
}

/* What is leaked is seen as often as it is larger than the mean. */
static void verdicts__sampled__fast_leaks_found(void **state)
{
	const struct world_options options = {.sample_bytes = 65536};
	struct judged judged;

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct workload large = {"large", own_leaks[15].run, 100};

		assert_string_equal(own_leaks[15].name, "large");
		assert_true(world_run(&large, seed, &options, &judged));
		assert_int_equal(judged.sites[0].outcome, OUTCOME_FOUND);
	}
}

/* As many as were ever needed at the same time: such records come ever more rarely. */
static void grow_by_records(struct world *w)
{
	uint32_t site = world_healthy(w, "pool");

	while (world_wait(w, 0.05 * (world_now(w) + 1)))
		world_alloc(w, site, 500);
}

/* Beside what is loaded in the beginning, and is more than what leaks for a long time. */
static void load_and_leak(struct world *w)
{
	uint32_t site = world_leak(w, "registry");

	for (int i = 0; i < 200; i++)
		world_alloc(w, site, 500);
	while (world_wait(w, 1))
		world_alloc(w, site, 500);
}

static void verdicts__never_freed__leak_unless_ever_rarer(void **state)
{
	const struct workload programs[] = {{"pool", grow_by_records, 300},
					    {"registry", load_and_leak, 120}};
	const struct world_options options = {0};
	struct judged judged;

	(void)state;
	assert_true(world_run(&programs[0], 1, &options, &judged));
	assert_int_equal(judged.sites[0].outcome, OUTCOME_HEALTHY);
	assert_true(world_run(&programs[1], 1, &options, &judged));
	assert_int_equal(judged.sites[0].outcome, OUTCOME_FOUND);
	assert_true(judged.sites[0].kept > 0.9);
}

/* The last that came is the first to go: at the bottom blocks get old, but there are as many as before. */
static void push_and_pop(struct world *w)
{
	uint32_t site = world_healthy(w, "stack");
	uint64_t blocks[101];
	uint32_t depth = 0;

	while (world_wait(w, 0.01)) {
		if (depth && world_chance(w, 0.5 * depth / 50))
			world_free(w, blocks[--depth]);
		else
			blocks[depth++] = world_alloc(w, site, 100);
		if (depth == 50)
			world_evidence(w, site);
	}
}

static void lose_among_many(struct world *w)
{
	uint32_t site = world_leak(w, "request");

	while (world_wait(w, 0.01)) {
		uint64_t block = world_alloc(w, site, 100);

		if (!world_chance(w, 0.01))
			world_free_after(w, block, world_exponential(w, 0.5));
	}
}

static void verdicts__same_depth_on_average__hardly_a_leak(void **state)
{
	const struct workload programs[] = {{"stack", push_and_pop, 300},
					    {"request", lose_among_many, 100}};
	const struct world_options options = {0};
	struct judged judged;
	int alarms = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		assert_true(world_run(&programs[0], seed, &options, &judged));
		alarms += judged.sites[0].outcome == OUTCOME_ALARM;
		assert_true(world_run(&programs[1], seed, &options, &judged));
		assert_true(judged.sites[0].kept > 0.5);
	}
	print_message("%d of 40 stacks called a leak\n", alarms);
	assert_in_range(alarms, 0, STACKS_MOST);
}

/* 20 blocks each ten seconds, of which the first come at once: two bursts are old and the third is young. */
static void harvest(struct world *w)
{
	uint32_t site = world_leak(w, "seen");

	do
		for (int i = 0; i < 20; i++)
			world_alloc(w, site, 100);
	while (world_wait(w, 10));
}

/* The same but twice only: the second may be the end of a start-up. */
static void load_twice(struct world *w)
{
	uint32_t site = world_healthy(w, "table");

	for (int burst = 0; burst < 2; burst++) {
		for (int i = 0; i < 20; i++)
			world_alloc(w, site, 100);
		world_wait(w, 10);
	}
}

static void verdicts__bursts_from_start__leak_with_third(void **state)
{
	const struct workload programs[] = {{"harvest", harvest, 100},
					    {"load_twice", load_twice, 120}};
	const struct world_options options = {0};
	struct judged judged;

	(void)state;
	assert_true(world_run(&programs[0], 1, &options, &judged));
	assert_true(judged.sites[0].called_s >= 0 && judged.sites[0].called_s <= 35);
	assert_true(world_run(&programs[1], 1, &options, &judged));
	assert_int_equal(judged.sites[0].outcome, OUTCOME_HEALTHY);
	assert_false(judged.sites[0].early);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts__labelled_programs__within_targets),
		cmocka_unit_test(world_run__same_seed__same_outcome),
		cmocka_unit_test(verdicts__sampled__fast_leaks_found),
		cmocka_unit_test(verdicts__never_freed__leak_unless_ever_rarer),
		cmocka_unit_test(verdicts__same_depth_on_average__hardly_a_leak),
		cmocka_unit_test(verdicts__bursts_from_start__leak_with_third),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
