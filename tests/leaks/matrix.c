/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often the verdicts are right: every program of tests/leaks/, many times with other random numbers, as confusion matrices.
 *
 *   matrix [--seeds N] [--first SEED] [--set own|blind|blind2|blind3|blind4] [--only WORD] [--sample BYTES] [--csv] [--failures] [--verbose]
 *
 * Beside the verdict the naive rule: (last - first) / first > threshold over the window. Exit status 1 when a target is
 * missed: 95 of 100 leaks found within 30 s of their evidence, at most 1 of 100 healthy sites called a leak.
 * --failures lists what was missed and what was called a leak wrongly, a line each: what, program, seed, site, seconds of its
 * evidence and of the call (-1: none), rule. --verbose shows each site each second: best with --only and --seeds 1.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "world.h"

#define RECALL_LEAST 0.95
#define ALARMS_MOST  0.01

struct matrix {
	uint64_t verdict[OUTCOMES], naive[OUTCOMES], early;
	double delay_s, kept; /* sums over what was found */
	uint64_t events, runs;
};

struct matrix_options {
	uint64_t seeds, first;
	const char *set, *only;
	bool csv, failures;
	struct world_options world;
};

static void add(struct matrix *to, const struct matrix *m)
{
	for (int i = 0; i < OUTCOMES; i++) {
		to->verdict[i] += m->verdict[i];
		to->naive[i] += m->naive[i];
	}
	to->early += m->early;
	to->delay_s += m->delay_s;
	to->kept += m->kept;
	to->events += m->events;
	to->runs += m->runs;
}

static void add_site(struct matrix *to, const struct judged_site *site)
{
	to->verdict[site->outcome]++;
	to->naive[site->naive]++;
	to->early += site->early;
	if (site->outcome != OUTCOME_FOUND)
		return;
	to->delay_s += site->called_s - site->evidence_s;
	to->kept += site->kept;
}

static double share(uint64_t part, uint64_t other)
{
	return part + other ? (double)part / (double)(part + other) : 0;
}

static double recall(const uint64_t *outcomes)
{
	return share(outcomes[OUTCOME_FOUND], outcomes[OUTCOME_MISSED]);
}

static double alarms(const uint64_t *outcomes)
{
	return share(outcomes[OUTCOME_ALARM], outcomes[OUTCOME_HEALTHY]);
}

static void print_row(const char *name, const struct matrix *m, bool csv)
{
	const uint64_t *v = m->verdict, *n = m->naive;
	double found = (double)(v[OUTCOME_FOUND] + !v[OUTCOME_FOUND]);

	printf(csv ? "%s,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%.1f,%.3f\n"
		   : "%-28s %7llu %7llu %8llu %7llu | %7llu %7llu %8llu %7llu | %7llu %6.1f "
		     "%6.2f\n",
	       name, (unsigned long long)v[OUTCOME_FOUND], (unsigned long long)v[OUTCOME_MISSED],
	       (unsigned long long)v[OUTCOME_HEALTHY], (unsigned long long)v[OUTCOME_ALARM],
	       (unsigned long long)n[OUTCOME_FOUND], (unsigned long long)n[OUTCOME_MISSED],
	       (unsigned long long)n[OUTCOME_HEALTHY], (unsigned long long)n[OUTCOME_ALARM],
	       (unsigned long long)m->early, m->delay_s / found, m->kept / found);
}

static void print_head(bool csv)
{
	if (csv)
		puts("workload,found,missed,healthy,alarms,naive_found,naive_missed,naive_healthy,"
		     "naive_alarms,early,mean_delay_s,kept");
	else
		printf("%-28s %7s %7s %8s %7s | %7s %7s %8s %7s | %7s %6s %6s\n", "", "found",
		       "missed", "healthy", "alarms", "found", "missed", "healthy", "alarms",
		       "early", "delay", "kept");
}

static void print_failures(const char *name, uint64_t seed, const struct judged *judged)
{
	for (uint32_t i = 0; i < judged->count; i++) {
		const struct judged_site *site = &judged->sites[i];

		if (site->outcome == OUTCOME_MISSED || site->outcome == OUTCOME_ALARM)
			printf("%s %s %llu %s %.1f %.1f %d\n",
			       site->outcome == OUTCOME_MISSED ? "missed" : "alarm", name,
			       (unsigned long long)seed, site->name, site->evidence_s,
			       site->called_s, site->rule);
	}
}

static bool run_workload(const struct workload *workload, const struct matrix_options *o,
			 struct matrix *sum)
{
	struct matrix m = {0};
	struct judged judged;
	bool good = true;

	for (uint64_t seed = o->first; seed < o->first + o->seeds; seed++) {
		good &= world_run(workload, seed, &o->world, &judged);
		for (uint32_t i = 0; i < judged.count; i++)
			add_site(&m, &judged.sites[i]);
		if (o->failures)
			print_failures(workload->name, seed, &judged);
		m.events += judged.events;
		m.runs++;
	}
	print_row(workload->name, &m, o->csv);
	add(sum, &m);
	return good;
}

static void print_rates(const char *who, const uint64_t *outcomes)
{
	printf("%-8s recall %.4f, false alarms %.4f of healthy sites\n", who, recall(outcomes),
	       alarms(outcomes));
}

/* True when it meets the targets. */
static bool run_set(const char *name, const struct workload *const *lists,
		    const struct matrix_options *o)
{
	struct matrix sum = {0};
	bool good = true;

	if (!(*lists)->name || (o->set && strcmp(o->set, name) != 0))
		return true;
	if (!o->csv)
		printf("--- %s ---\n", name);
	print_head(o->csv);
	for (; *lists; lists++)
		for (const struct workload *one = *lists; one->name; one++)
			if (!o->only || strstr(one->name, o->only))
				good &= run_workload(one, o, &sum);
	if (o->csv)
		return good;
	print_row("all", &sum, false);
	printf("%llu runs, %llu events, seeds from %llu\n", (unsigned long long)sum.runs,
	       (unsigned long long)sum.events, (unsigned long long)o->first);
	print_rates("verdict", sum.verdict);
	print_rates("naive", sum.naive);
	return good && (o->only || (recall(sum.verdict) >= RECALL_LEAST &&
				    alarms(sum.verdict) <= ALARMS_MOST));
}

static void parse(int argc, char **argv, struct matrix_options *o)
{
	static const struct option options[] = {
		{"seeds", required_argument, NULL, 'n'},
		{"first", required_argument, NULL, 'f'},
		{"set", required_argument, NULL, 's'},
		{"only", required_argument, NULL, 'o'},
		{"sample", required_argument, NULL, 'b'},
		{"csv", no_argument, NULL, 'c'},
		{"failures", no_argument, NULL, 'l'},
		{"verbose", no_argument, NULL, 'v'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'n': o->seeds = strtoull(optarg, NULL, 10); break;
		case 'f': o->first = strtoull(optarg, NULL, 10); break;
		case 's': o->set = optarg; break;
		case 'o': o->only = optarg; break;
		case 'b': o->world.sample_bytes = strtoull(optarg, NULL, 10); break;
		case 'c': o->csv = true; break;
		case 'l': o->failures = true; break;
		case 'v': o->world.verbose = true; break;
		default: exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct workload *const own[] = {own_leaks, own_healthy, own_more, NULL};
	static const struct workload *const blind[] = {blind_workloads, NULL};
	static const struct workload *const blind2[] = {blind2_workloads, NULL};
	static const struct workload *const blind3[] = {blind3_workloads, NULL};
	static const struct workload *const blind4[] = {blind4_workloads, NULL};
	struct matrix_options o = {.seeds = 100, .first = 1};
	bool good;

	parse(argc, argv, &o);
	setvbuf(stdout, NULL, _IOLBF, 0);
	good = run_set("own", own, &o);
	good &= run_set("blind", blind, &o);
	good &= run_set("blind2", blind2, &o);
	good &= run_set("blind3", blind3, &o);
	good &= run_set("blind4", blind4, &o);
	return good ? 0 : 1;
}
