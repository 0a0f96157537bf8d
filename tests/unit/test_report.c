/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The batch report to the letter, from hand-made snapshots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/view/report.h"

static struct frame_name leak_frames[] = {
	{.pc = 0x401100,
	 .function = "grow",
	 .offset = 0x1a,
	 .module = "app",
	 .file = "app.c",
	 .line = 7,
	 .inlined = true},
	{.pc = 0x401100,
	 .function = "serve",
	 .offset = 0x1a,
	 .module = "app",
	 .file = "app.c",
	 .line = 9},
	{.pc = 0x401200, .function = "main", .offset = 0x20, .module = "app"},
	{.pc = 0x7f00, .module = "libc.so.6", .offset = 0xf00},
	{.pc = 0xdead},
};
static struct frame_name hostile_frames[] = {
	{.pc = 1,
	 .function = "evil\n\x1b[2J",
	 .offset = 1,
	 .module = "m\tm",
	 .file = "\x1b",
	 .line = 1},
};

static struct frame_name typed_frames[] = {{.pc = 0x401100, .function = "main.f", .offset = 2}};

static const struct stack_names stacks[] = {
	{.site_id = 0xabc, .frame_count = 5, .frames = leak_frames},
	{.site_id = 0xdef, .frame_count = 1, .frames = hostile_frames},
	{.site_id = 0x123},
	{.site_id = 0x456, .frame_count = 1, .frames = typed_frames, .type = "[]main.\x1bnode"},
};

static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	(void)context;
	return &stacks[site->stack];
}

struct fixture {
	struct snapshot s;
	struct snapshot_process processes[2];
	struct snapshot_site sites[4];
	struct report_options options;
	struct buffer out;
};

static void set_site(struct fixture *f, size_t i, uint32_t stack, uint64_t bytes, uint64_t count)
{
	f->sites[i] = (struct snapshot_site){
		.site = (uint32_t)i + 1,
		.stack = stack,
		.call = CALL_ID_MALLOC,
		.totals = {.outstanding_bytes = bytes, .outstanding_count = count},
		.oldest_s = 1,
	};
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	setenv("TZ", "UTC", 1);
	f->s.realtime_ns = (12 * 3600 + 34 * 60 + 56) * 1000000000ull;
	f->s.processes = f->processes;
	f->s.process_count = 1;
	f->processes[0].pid = 4711;
	strcpy(f->processes[0].comm, "app");
	f->s.sites = f->sites;
	f->options.top = 10;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	buffer_done(&f->out);
	free(f);
	return 0;
}

#define HEADER "[12:34:56] Top 10 stacks with outstanding allocations:\n"

static void expect(struct fixture *f, const char *text)
{
	buffer_reset(&f->out);
	report_write(&f->out, &f->s, &f->options, names, NULL);
	assert_string_equal(f->out.data, text);
}

static void report_write__no_sites__header_only(void **state)
{
	expect(*state, HEADER);
}

static void report_write__whole_stack__frames_as_in_the_contract(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 0, 30000, 1);
	f->s.site_count = 1;
	expect(f, HEADER "\t30000 bytes in 1 allocations from stack\n"
			 "\t\tgrow (inlined) [app] (app.c:7)\n"
			 "\t\tserve+0x1a [app] (app.c:9)\n"
			 "\t\tmain+0x20 [app]\n"
			 "\t\t0x7f00 [libc.so.6]\n"
			 "\t\t0xdead\n");
}

static void report_write__type_is_known__said(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 3, 64, 1);
	f->s.site_count = 1;
	expect(f, HEADER "\t64 bytes in 1 allocations from stack\n"
			 "\t\t[type []main.?node]\n"
			 "\t\tmain.f+0x2\n");
}

static void report_write__unknown_stack__says_lost(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 2, 5, 1);
	f->s.site_count = 1;
	expect(f, HEADER "\t5 bytes in 1 allocations from stack\n\t\t[stack not known: lost]\n");
}

static void report_write__nothing_outstanding__site_left_out(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 2, 0, 0);
	f->sites[0].totals.alloc_count = 9;
	set_site(f, 1, 2, 0, 1);
	f->s.site_count = 2;
	expect(f, HEADER "\t0 bytes in 1 allocations from stack\n\t\t[stack not known: lost]\n");
}

static void report_write__more_sites_than_top__largest_are_listed(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 2, 5, 1);
	set_site(f, 1, 2, 50, 2);
	set_site(f, 2, 2, 500, 3);
	f->s.site_count = 3;
	f->options.top = 2;
	expect(f, "[12:34:56] Top 2 stacks with outstanding allocations:\n"
		  "\t500 bytes in 3 allocations from stack\n\t\t[stack not known: lost]\n"
		  "\t50 bytes in 2 allocations from stack\n\t\t[stack not known: lost]\n");
}

static void report_write__hostile_names__no_control_characters(void **state)
{
	struct fixture *f = *state;
	size_t i;

	set_site(f, 0, 1, 5, 1);
	f->s.site_count = 1;
	f->options.show_process = true;
	strcpy(f->processes[0].comm, "a\x1b[b");
	report_write(&f->out, &f->s, &f->options, names, NULL);
	for (i = 0; i < f->out.length; i++) {
		char c = f->out.data[i];

		assert_true(c == '\n' || c == '\t' || (c >= ' ' && c < 127));
	}
	assert_non_null(strstr(f->out.data, "\t4711 a?[b\n"));
	assert_non_null(strstr(f->out.data, "\t\tevil??[2J+0x1 [m?m] (?:1)\n"));
}

static void report_write__cut_stack__last_line_says_why(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 0, 5, 1);
	f->s.site_count = 1;
	f->sites[0].stack_flags = STACK_F_CUT;
	report_write(&f->out, &f->s, &f->options, names, NULL);
	assert_non_null(strstr(f->out.data, "\t\t0xdead\n\t\t[cut: deeper than 256 frames]\n"));
}

static void report_write__failed_walk__names_the_module(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 1, 5, 1);
	f->s.site_count = 1;
	f->sites[0].stack_flags = STACK_F_FAILED;
	report_write(&f->out, &f->s, &f->options, names, NULL);
	assert_non_null(strstr(f->out.data, "\t\t[cut: no unwind information for m?m]\n"));
}

static void report_write__cut_for_other_reasons__each_named(void **state)
{
	static const struct {
		uint32_t flag;
		const char *line;
	} reasons[] = {
		{STACK_F_NO_INFO, "[cut: no unwind information for m?m]"},
		{STACK_F_NO_MAPPING, "[cut: the unwind table of m?m was not ready]"},
		{STACK_F_FAULT, "[cut: the stack could not be read]"},
		{STACK_F_BROKEN, "[cut: the frames make no sense]"},
		{STACK_F_CHANGED, "[cut: modules changed meanwhile]"},
		{STACK_F_POINTERS,
		 "[guessed: walked by frame pointers, functions without one are missing]"},
	};
	struct fixture *f = *state;
	size_t i;

	set_site(f, 0, 1, 5, 1);
	f->s.site_count = 1;
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		f->sites[0].stack_flags = reasons[i].flag;
		buffer_reset(&f->out);
		report_write(&f->out, &f->s, &f->options, names, NULL);
		assert_non_null(strstr(f->out.data, reasons[i].line));
	}
	f->sites[0].stack_flags = 0;
	buffer_reset(&f->out);
	report_write(&f->out, &f->s, &f->options, names, NULL);
	assert_null(strstr(f->out.data, "[cut"));
}

static void report_write__cut_outside_of_all_modules__said(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 0, 5, 1);
	f->s.site_count = 1;
	f->sites[0].stack_flags = STACK_F_NO_MAPPING;
	report_write(&f->out, &f->s, &f->options, names, NULL);
	assert_non_null(strstr(f->out.data, "[cut: an address in no module]"));
}

static void report_write__show_allocs__blocks_before_frames(void **state)
{
	static const struct report_block blocks[] = {
		{.address = 0x10, .bytes = 1, .chance = 1, .age_s = 1, .site = 1},
		{.address = 0xabc0, .bytes = 3, .chance = 1, .age_s = 12.34, .site = 2},
		{.address = 0xabd0, .bytes = 4, .chance = 1, .age_s = 0, .site = 2},
		{.address = 0x20, .bytes = 1, .chance = 1, .age_s = 1, .site = 3},
	};
	struct fixture *f = *state;

	set_site(f, 1, 2, 7, 2);
	f->sites[0] = f->sites[1];
	f->s.site_count = 1;
	f->options.blocks = blocks;
	f->options.block_count = 4;
	f->options.show_allocs = true;
	expect(f, HEADER "\t7 bytes in 2 allocations from stack\n"
			 "\t\taddr = 0xabc0 size = 3 age = 12.3s\n"
			 "\t\taddr = 0xabd0 size = 4 age = 0.0s\n"
			 "\t\t[stack not known: lost]\n");
}

static void report_write__only_blocks__figures_and_order_are_those_of_blocks(void **state)
{
	static const struct report_block blocks[] = {
		{.address = 0x10, .bytes = 1, .chance = 1, .site = 2},
		{.address = 0x20, .bytes = 10, .chance = 1, .site = 3},
	};
	struct fixture *f = *state;

	set_site(f, 0, 2, 900, 9);
	set_site(f, 1, 2, 800, 8);
	set_site(f, 2, 2, 700, 7);
	f->s.site_count = 3;
	f->options.blocks = blocks;
	f->options.block_count = 2;
	f->options.only_blocks = true;
	expect(f, HEADER "\t10 bytes in 1 allocations from stack\n\t\t[stack not known: lost]\n"
			 "\t1 bytes in 1 allocations from stack\n\t\t[stack not known: lost]\n");
}

static void report_write__losses__said_with_their_cause(void **state)
{
	struct fixture *f = *state;

	f->s.counts[COUNTER_RING_FULL] = 5;
	f->s.counts[COUNTER_NO_MEMORY] = 2;
	f->s.counts[COUNTER_STACK_CUT] = 9;
	f->s.counts[COUNTER_UNKNOWN_FREE] = 3;
	expect(f, HEADER "\t(7 events lost: ring_full 5, no_memory 2; figures are too low by that "
			 "much)\n"
			 "\t(3 frees of unknown blocks: from before the attach or filtered)\n");
}

static void report_write__lost_in_a_process_only__said_without_cause(void **state)
{
	struct fixture *f = *state;

	f->processes[0].lost_events = 4;
	expect(f, HEADER "\t(4 events lost; figures are too low by that much)\n");
}

static void report_write__verbose__figures_and_all_counters(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 2, 5, 1);
	f->sites[0].totals.alloc_count = 3;
	f->sites[0].totals.alloc_bytes = 15;
	f->sites[0].totals.free_count = 2;
	f->sites[0].totals.free_bytes = 10;
	f->sites[0].lifetimes.median_s = 0.0005;
	f->sites[0].bytes_at_peak = 12;
	f->sites[0].verdict = VERDICT_LEAK;
	f->sites[0].score = 97;
	f->sites[0].watched_s = 25;
	f->sites[0].bytes_trend = (struct trend){.slope = 2 << 20};
	f->sites[0].survival = (struct survival){.age_s = 20, .elders = 4012, .alive = 3998};
	f->s.site_count = 1;
	f->s.counts[COUNTER_STACK_CUT] = 9;
	f->options.verbose = true;
	expect(f, HEADER "\t5 bytes in 1 allocations from stack\n"
			 "\t\t[allocated 15 bytes in 3, freed 10 bytes in 2, peak 0 bytes, "
			 "temporary 0, growth 0B/s, 12 at the peak of the process, half of the "
			 "freed lived less than 500 us, oldest 1.0s, verdict leak, score 97]\n"
			 "\t\t[grew 2.00M/s for 25s (p < 0.001); of 4,012 blocks older than 20s, "
			 "3,998 are still there]\n"
			 "\t\t[stack not known: lost]\n"
			 "\t(stack_cut 9: stacks cut at the largest depth)\n");
}

static void report_write__attached_first_report__says_what_is_missing(void **state)
{
	struct fixture *f = *state;

	f->processes[0].attached = true;
	f->processes[0].notable_first = true;
	f->s.sampled = true;
	f->s.sample_bytes = 4096;
	expect(f, HEADER "\t(sampled: one sample per 4096 bytes on average, figures are estimates, "
			 "their ranges hold 95 times in 100)\n"
			 "\t(4711 app: its heap from before the attach is not shown)\n");
}

/* 4 samples of 1024 bytes at a mean of 4096: each stands for 4.52 blocks. */
static struct uncertain four_samples(void)
{
	struct uncertain u = {.sample_bytes = 4096, .growth_variance = 1e6};
	struct error_sums e = error_of(1024, 0.2212);

	for (int i = 0; i < 4; i++)
		error_sums_add(&u.errors.alloc, &e);
	u.errors.count_most = 1 / 0.2212;
	return u;
}

static void sample_site(struct fixture *f, struct uncertain *u)
{
	set_site(f, 0, 2, 18517, 18);
	f->s.site_count = 1;
	f->s.sampled = true;
	f->s.sample_bytes = 4096;
	f->s.uncertain = u;
	f->sites[0].uncertain = f->processes[0].uncertain = u;
	f->processes[0].totals = f->sites[0].totals;
}

#define SAMPLED                                                                                    \
	HEADER                                                                                     \
	"\t(sampled: one sample per 4096 bytes on average, figures are estimates, their ranges "   \
	"hold 95 times in 100)\n"

static void report_write__sampled__ranges_on_lines_of_their_own(void **state)
{
	struct fixture *f = *state;
	struct uncertain u = four_samples();

	sample_site(f, &u);
	expect(f, SAMPLED "\t(4711 app: 18517 bytes in 18 allocations outstanding; bytes "
			  "7.00K..40.0K, allocations 7..40, from 4 samples)\n"
			  "\t18517 bytes in 18 allocations from stack\n"
			  "\t\t[bytes 7.00K..40.0K, allocations 7..40, from 4 samples]\n"
			  "\t\t[stack not known: lost]\n");
	f->s.uncertain = NULL;
}

/* -o counts blocks one by one: each stands for as many as in the totals. */
static void report_write__sampled_old_blocks__scaled(void **state)
{
	static const struct report_block blocks[] = {
		{.address = 0x10, .bytes = 1024, .chance = 0.2212, .site = 2},
		{.address = 0x20, .bytes = 1024, .chance = 0.2212, .site = 2},
	};
	struct fixture *f = *state;
	struct uncertain u = four_samples();

	sample_site(f, &u);
	f->s.sites[0].site = 2;
	f->options.blocks = blocks;
	f->options.block_count = 2;
	f->options.only_blocks = true;
	expect(f, SAMPLED "\t(4711 app: 18517 bytes in 18 allocations outstanding; bytes "
			  "7.00K..40.0K, allocations 7..40, from 4 samples)\n"
			  "\t9259 bytes in 9 allocations from stack\n"
			  "\t\t[bytes 3.00K..26.0K, allocations 3..26, from 2 samples]\n"
			  "\t\t[stack not known: lost]\n");
	f->s.uncertain = NULL;
}

static void report_write__mapped_range__marked_on_its_own_line(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 2, 4096, 1);
	f->sites[0].range = true;
	f->s.site_count = 1;
	expect(f, HEADER "\t4096 bytes in 1 allocations from stack\n\t\t[mapped range]\n"
			 "\t\t[stack not known: lost]\n");
}

static void report_write__cost_to_the_target__said(void **state)
{
	struct fixture *f = *state;

	f->s.cost = (struct snapshot_cost){.known = true, .percent = 12.34, .core_percent = 5.6};
	expect(f, HEADER "\t(tracing takes about 12.3% of the processor time of the traced "
			 "processes, 5.6% of a "
			 "core)\n");
}

static void report_write__windows__says_what_was_covered(void **state)
{
	struct fixture *f = *state;

	f->s.coverage =
		(struct coverage_figures){.partial = true, .time_percent = 12.34, .windows = 1};
	expect(f,
	       HEADER "\t(traced 12.3% of the time in 1 windows: figures are estimates, for all of "
		      "it; their error is not known yet)\n");
	f->s.cost = (struct snapshot_cost){.known = true, .total_percent = 4.9};
	f->s.coverage.windows = 7;
	f->s.coverage.error_known = true;
	f->s.coverage.alloc_bytes_error = 3.21;
	f->s.coverage.kept_bytes_error = 45.67;
	expect(f,
	       HEADER "\t(traced 12.3% of the time in 7 windows: figures are estimates, for all of "
		      "it; allocated bytes +-3.2%, outstanding bytes +-45.7%)\n"
		      "\t(tracing takes about 0.0% of the processor time of the traced processes, "
		      "0.0% of a "
		      "core; 4.9% since the start)\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(report_write__no_sites__header_only),
		TEST(report_write__whole_stack__frames_as_in_the_contract),
		TEST(report_write__type_is_known__said),
		TEST(report_write__unknown_stack__says_lost),
		TEST(report_write__nothing_outstanding__site_left_out),
		TEST(report_write__more_sites_than_top__largest_are_listed),
		TEST(report_write__hostile_names__no_control_characters),
		TEST(report_write__cut_stack__last_line_says_why),
		TEST(report_write__failed_walk__names_the_module),

		TEST(report_write__cut_for_other_reasons__each_named),
		TEST(report_write__cut_outside_of_all_modules__said),
		TEST(report_write__show_allocs__blocks_before_frames),
		TEST(report_write__only_blocks__figures_and_order_are_those_of_blocks),
		TEST(report_write__losses__said_with_their_cause),
		TEST(report_write__lost_in_a_process_only__said_without_cause),
		TEST(report_write__verbose__figures_and_all_counters),
		TEST(report_write__attached_first_report__says_what_is_missing),
		TEST(report_write__sampled__ranges_on_lines_of_their_own),
		TEST(report_write__sampled_old_blocks__scaled),
		TEST(report_write__cost_to_the_target__said),
		TEST(report_write__windows__says_what_was_covered),
		TEST(report_write__mapped_range__marked_on_its_own_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
