/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sampled figures and their intervals against the truth: the sampler of the BPF side draws from
 * programs whose heap is known, 200 times each with random numbers that are the same in every run.
 * The mean of the estimates must be the truth within four standard errors, and the 95 % intervals
 * must hold it 93 to 97 times in 100; more often where whole blocks are missed, one or none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "sample_world.h"

#define SEEDS	200
#define FIGURES 3
#define KINDS	(2 * FIGURES) /* bytes, then counts */

struct workload {
	const char *name;
	uint64_t mean;
	long steps; /* about 20 samples at each site, or so many as are printed */
	void (*step)(struct world *w, uint32_t cpu, uint32_t site);
	double bytes_most, counts_least, counts_most; /* coverage; bytes at least 0.93 */
};

/* ---- what the programs do ---- */

static uint64_t between(struct world *w, uint64_t low, uint64_t high)
{
	return low + (uint64_t)(world_uniform(w) * (double)(high - low));
}

static void equal(struct world *w, uint32_t cpu, uint32_t site)
{
	world_alloc(w, cpu, site, 48);
}

static void narrow(struct world *w, uint32_t cpu, uint32_t site)
{
	world_alloc(w, cpu, site, between(w, 16, 1025));
}

static void mixed(struct world *w, uint32_t cpu, uint32_t site)
{
	world_alloc(w, cpu, site, (uint64_t)exp(world_uniform(w) * log(1 << 20)));
}

/* Pareto with infinite variance, as sizes of requests have it. */
static void heavy(struct world *w, uint32_t cpu, uint32_t site)
{
	world_alloc(w, cpu, site, (uint64_t)fmin(64 * pow(world_uniform(w), -1 / 1.2), 1e9));
}

static void nothing(struct world *w, uint32_t cpu, uint32_t site)
{
	world_alloc(w, cpu, site, between(w, 0, 4));
}

/* Each takes other sizes. */
static void threads(struct world *w, uint32_t cpu, uint32_t site)
{
	world_alloc(w, cpu, site, 128u << cpu % 4);
}

static void near_mean(struct world *w, uint32_t cpu, uint32_t site)
{
	world_alloc(w, cpu, site, between(w, 2048, 6144));
}

static void large(struct world *w, uint32_t cpu, uint32_t site)
{
	world_alloc(w, cpu, site, between(w, 2 * 4096, 5 * 4096));
}

static void huge(struct world *w, uint32_t cpu, uint32_t site)
{
	world_alloc(w, cpu, site, between(w, 50 * 4096, 100 * 4096));
}

/* Vectors that double, as often as blocks are made. */
static void doubling(struct world *w, uint32_t cpu, uint32_t site)
{
	uint32_t i = (uint32_t)between(w, 0, w->live_count);

	if (w->live_count < 100 || world_uniform(w) < 0.3)
		world_alloc(w, cpu, site, between(w, 16, 512));
	else
		world_realloc(w, cpu, i, w->live[i].bytes < 16384 ? w->live[i].bytes * 2 : 16);
}

static const struct workload workloads[] = {
	{"equal", 4096, 27000, equal, 0.97, 0.93, 0.97},
	{"narrow", 16384, 10000, narrow, 0.97, 0.93, 0.97},
	/* of sizes that were never drawn no estimate of a variance knows: counts promise nothing */
	{"mixed", 16384, 2000, mixed, 0.97, 0, 1},
	{"heavy", 16384, 14000, heavy, 0.97, 0.93, 0.97},
	{"nothing", 16, 5000, nothing, 0.97, 0.93, 0.97},
	{"threads", 16384, 7600, threads, 0.97, 0.93, 0.97},
	{"near the mean", 4096, 520, near_mean, 0.97, 0.93, 0.975},
	{"large", 4096, 330, large, 0.985, 0.93, 1},
	{"huge", 4096, 320, huge, 1, 0.93, 1},
	{"doubling", 16384, 6000, doubling, 0.97, 0.92, 0.97},
};
#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

/* ---- what is counted ---- */

struct tally {
	long checks, covered[KINDS];
	long all_checks, all_covered[KINDS];  /* of the process */
	double errors[KINDS], squares[KINDS]; /* relative, of the process */
	long samples, lower; /* counts of allocations that are not below their range */
};

static void figures_of(const struct totals *t, double out[KINDS])
{
	out[0] = (double)t->outstanding_bytes;
	out[1] = (double)t->alloc_bytes;
	out[2] = (double)t->free_bytes;
	out[3] = (double)t->outstanding_count;
	out[4] = (double)t->alloc_count;
	out[5] = (double)t->free_count;
}

static void check_intervals(const struct errors *e, const struct totals *truth, uint64_t mean,
			    long covered[KINDS])
{
	double values[KINDS];

	figures_of(truth, values);
	for (int k = 0; k < KINDS; k++) {
		enum figure figure = (enum figure)(k % FIGURES);
		struct interval i =
			k < FIGURES ? errors_bytes(e, figure, mean) : errors_count(e, figure, mean);

		assert_true(i.low >= 0 && i.low <= i.high);
		covered[k] += i.low <= values[k] && values[k] <= i.high;
	}
}

static void check_world(struct world *w, uint64_t mean, struct tally *t)
{
	struct heap_process *p = heap_process(w->heap, 1);
	double truth[KINDS], estimates[KINDS];

	for (uint32_t i = 1; i <= heap_site_count(w->heap); i++) {
		const struct errors *e = heap_site_errors(w->heap, i);

		check_intervals(e, &w->sites[heap_site(w->heap, i)->stack_id], mean, t->covered);
		t->lower += errors_count(e, FIGURE_ALLOC, mean).low <=
			    (double)w->sites[heap_site(w->heap, i)->stack_id].alloc_count;
		t->checks++;
		t->samples += (long)e->alloc.seen_count;
	}
	check_intervals(&p->errors, &w->all, mean, t->all_covered);
	t->all_checks++;
	figures_of(&w->all, truth);
	figures_of(&p->totals, estimates);
	for (int k = 0; k < KINDS; k++) {
		double error = estimates[k] / truth[k] - 1;

		t->errors[k] += error;
		t->squares[k] += error * error;
	}
}

static void run_world(const struct workload *l, uint64_t seed, struct tally *t)
{
	struct world *w = world_new(l->mean, seed);

	for (long i = 0; i < l->steps; i++) {
		l->step(w, (uint32_t)between(w, 0, WORLD_CPUS), 1 + (uint32_t)i % WORLD_SITES);
		if (w->live_count && world_uniform(w) < 0.5)
			world_free_one(w, (uint32_t)between(w, 0, w->live_count));
	}
	check_world(w, l->mean, t);
	world_free(w);
}

static void check_unbiased(const struct tally *t)
{
	for (int k = 0; k < KINDS; k++) {
		double mean = t->errors[k] / SEEDS;
		double error = sqrt(fmax(t->squares[k] / SEEDS - mean * mean, 0) / SEEDS);

		assert_true(fabs(mean) <= 4 * error + 1e-12);
	}
}

static void check_coverage(const struct workload *l, const struct tally *t)
{
	print_message("%s: %.1f samples at a site;", l->name,
		      (double)t->samples / (double)t->checks);
	for (int k = 0; k < KINDS; k++)
		print_message(" %.3f", (double)t->covered[k] / (double)t->checks);
	print_message("; lower %.3f\n", (double)t->lower / (double)t->checks);
	/* that end promises something whatever the sizes are */
	assert_true((double)t->lower / (double)t->checks >= 0.96);
	for (int k = 0; k < KINDS; k++) {
		double covered = (double)t->covered[k] / (double)t->checks;

		assert_true(covered >= (k < FIGURES ? 0.93 : l->counts_least));
		assert_true(covered <= (k < FIGURES ? l->bytes_most : l->counts_most));
	}
}

static void errors__200_seeds__unbiased_and_covered(void **state)
{
	long checks = 0, covered = 0;

	(void)state;
	for (size_t i = 0; i < WORKLOADS; i++) {
		struct tally t = {0};

		for (uint64_t seed = 1; seed <= SEEDS; seed++)
			run_world(&workloads[i], seed * 1000 + i, &t);
		check_unbiased(&t);
		check_coverage(&workloads[i], &t);
		if (workloads[i].bytes_most > 0.97)
			continue;
		checks += FIGURES * t.all_checks;
		for (int k = 0; k < FIGURES; k++)
			covered += t.all_covered[k];
	}
	/* bytes of whole processes: too few of each workload for a bound of their own */
	print_message("processes: %.3f of %ld\n", (double)covered / (double)checks, checks);
	assert_in_range(1000 * covered / checks, 930, 970);
}

/* In place, a block keeps the draw that it was recorded by, whatever size it gets. */
static void errors__resized_in_place__outstanding_unbiased_and_covered(void **state)
{
	struct tally t = {0};

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world *w = world_new(4096, seed);

		for (long i = 0; i < 8000; i++) {
			world_alloc(w, 0, 1 + (uint32_t)i % WORLD_SITES, between(w, 256, 1025));
			world_resize(w, (uint32_t)between(w, 0, w->live_count),
				     between(w, 0, 2000));
			if (world_uniform(w) < 0.5)
				world_free_one(w, (uint32_t)between(w, 0, w->live_count));
		}
		check_world(w, 4096, &t);
		world_free(w);
	}
	check_unbiased(&t);
	assert_in_range(1000 * t.covered[0] / t.checks, 930, 970);
	assert_in_range(1000 * t.covered[3] / t.checks, 930, 970);
}

static void errors_sizes_vary__alike__not(void **state)
{
	struct world *w = world_new(4096, 3);
	const struct errors *e = &heap_process(w->heap, 1)->errors;

	(void)state;
	assert_false(errors_sizes_vary(e, 4096));
	for (long i = 0; i < 5000; i++)
		world_alloc(w, 0, 1, between(w, 512, 4096));
	assert_false(errors_sizes_vary(e, 4096));
	for (long i = 0; i < 5000; i++)
		mixed(w, 0, 1);
	assert_true(errors_sizes_vary(e, 4096));
	world_free(w);
}

static void errors__all_freed__nothing_left(void **state)
{
	struct world *w = world_new(4096, 5);
	struct error_sums sums;

	(void)state;
	for (long i = 0; i < 20000; i++)
		mixed(w, 0, 1);
	while (w->live_count)
		world_free_one(w, 0);
	sums = errors_of(&heap_process(w->heap, 1)->errors, FIGURE_OUTSTANDING);
	assert_int_equal(sums.seen_bytes, 0);
	assert_int_equal(sums.seen_count, 0);
	assert_true(sums.bytes_variance == 0 && sums.count_variance == 0);
	world_free(w);
}

static void errors__not_sampled__none_are_kept(void **state)
{
	struct world *w = world_new(0, 5);

	(void)state;
	for (long i = 0; i < 100; i++)
		equal(w, 0, 1);
	assert_null(heap_site_errors(w->heap, 1));
	assert_int_equal(heap_process(w->heap, 1)->errors.alloc.seen_count, 0);
	assert_int_equal(heap_process(w->heap, 1)->totals.outstanding_bytes, 4800);
	world_free(w);
}

/* A child has what its parent had, with the same errors; an exec takes back what it never touched. */
static void errors__fork_and_exec__as_the_blocks(void **state)
{
	struct world *w = world_new(4096, 9);
	struct event_fork fork;
	struct event_process exec;
	const struct heap_process *child;

	(void)state;
	for (long i = 0; i < 2000; i++)
		narrow(w, 0, 1 + (uint32_t)i % WORLD_SITES);
	world_resize(w, 3, 77);
	fork = (struct event_fork){
		.h = world_header(w, EVENT_FORK, sizeof(fork)), .child = 2, .child_pid = 200};
	heap_apply(w->heap, &fork.h);
	child = heap_process(w->heap, heap_find_process(w->heap, 2));
	assert_null(heap_check(w->heap));
	assert_true(child->errors.alloc.bytes_variance > 0);
	assert_int_equal(
		errors_of(&child->errors, FIGURE_OUTSTANDING).seen_bytes,
		errors_of(&heap_process(w->heap, 1)->errors, FIGURE_OUTSTANDING).seen_bytes);
	exec = (struct event_process){.h = world_header(w, EVENT_EXEC, sizeof(exec)), .pid = 200};
	exec.h.process = 2;
	heap_apply(w->heap, &exec.h);
	assert_int_equal(child->errors.alloc.seen_count, 0);
	exec.h.process = 1;
	heap_apply(w->heap, &exec.h);
	assert_int_equal(heap_process(w->heap, 1)->errors.alloc.seen_count,
			 heap_process(w->heap, 1)->errors.free.seen_count);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors__200_seeds__unbiased_and_covered),
		cmocka_unit_test(errors__resized_in_place__outstanding_unbiased_and_covered),
		cmocka_unit_test(errors_sizes_vary__alike__not),
		cmocka_unit_test(errors__all_freed__nothing_left),
		cmocka_unit_test(errors__not_sampled__none_are_kept),
		cmocka_unit_test(errors__fork_and_exec__as_the_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
