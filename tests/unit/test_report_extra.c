/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the batch report beside the sites, to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/view/report_extra.h"

#define M 1048576ull

static struct frame_name frames[] = {
	{.pc = 1, .function = "xmalloc", .offset = 1, .module = "app", .skipped = true},
	{.pc = 2,
	 .function = "serve\x1b",
	 .offset = 0x1a,
	 .module = "app",
	 .file = "a.c",
	 .line = 9},
};
static const struct stack_names stack = {.frame_count = 2, .frames = frames, .function_frame = 1};
static const struct stack_names no_stack;

static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	(void)context;
	return site->stack ? &stack : &no_stack;
}

struct fixture {
	struct snapshot s;
	struct snapshot_process processes[2];
	struct snapshot_site sites[4];
	struct change changes[6];
	struct report_options options;
	struct buffer out;
};

static void set_site(struct fixture *f, size_t i, uint64_t bytes, uint64_t count,
		     int64_t more_bytes, int64_t more_count)
{
	f->sites[i] = (struct snapshot_site){
		.site = (uint32_t)i + 1,
		.stack = (uint32_t)i,
		.call = CALL_ID_MALLOC,
		.totals = {.outstanding_bytes = bytes, .outstanding_count = count},
		.oldest_s = 1,
		.change = &f->changes[2 + i],
	};
	f->changes[2 + i] = (struct change){.outstanding_bytes = more_bytes,
					    .outstanding_count = more_count,
					    .alloc_count = 20};
	f->changes[0].outstanding_bytes += more_bytes;
	f->changes[0].outstanding_count += more_count;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	setenv("TZ", "UTC", 1);
	f->s = (struct snapshot){.processes = f->processes,
				 .process_count = 1,
				 .sites = f->sites,
				 .changes = f->changes,
				 .baseline_s = 2.5,
				 .elapsed_s = 10};
	f->processes[0].pid = 4711;
	strcpy(f->processes[0].comm, "app");
	f->processes[0].change = &f->changes[0];
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

#define HEADER "[00:00:00] Top 10 stacks with outstanding allocations:\n"
#define LOST   "\t\t[stack not known: lost]\n"

static void expect(struct fixture *f, const char *text)
{
	buffer_reset(&f->out);
	report_write(&f->out, &f->s, &f->options, names, NULL);
	assert_string_equal(f->out.data, text);
}

static void report_write__baseline__more_then_less(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 9000, 9, 100, 1);
	set_site(f, 1, 10, 1, -5000, -5);
	set_site(f, 2, 77, 7, 0, 0);
	f->sites[0].stack = 0;
	f->s.site_count = 3;
	expect(f,
	       HEADER "\t(change since the baseline, 2.5 s after the start: sites with more "
		      "outstanding, then "
		      "those with less; 4711 app: -4900 bytes in -4 allocations)\n"
		      "\t100 bytes in 1 allocations from stack\n"
		      "\t\t[since the baseline: +100 bytes in +1 allocations, of +20 allocated; "
		      "now 9000 bytes "
		      "in 9]\n" LOST
		      "\t(less: -5000 bytes in -5 allocations from serve?+0x1a [app] (a.c:9))\n");
}

static void report_write__baseline_fewer_larger_blocks__count_of_the_line_is_0(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 9000, 9, 100, -3);
	f->s.site_count = 1;
	expect(f, HEADER "\t(change since the baseline, 2.5 s after the start: sites with more "
			 "outstanding, then "
			 "those with less; 4711 app: +100 bytes in -3 allocations)\n"
			 "\t100 bytes in 0 allocations from stack\n"
			 "\t\t[since the baseline: +100 bytes in -3 allocations, of +20 allocated; "
			 "now 9000 bytes "
			 "in 9]\n" LOST);
}

static void report_write__baseline_order__largest_change_first_least_at_the_end(void **state)
{
	struct fixture *f = *state;
	const char *a, *b, *c, *d;

	set_site(f, 0, 1000000, 9, 100, 1);
	set_site(f, 1, 1000, 1, -10, -1);
	set_site(f, 2, 500, 7, 400, 1);
	set_site(f, 3, 1000, 1, -90, -1);
	f->s.site_count = 4;
	f->options.sort = SORT_OUTSTANDING;
	report_write(&f->out, &f->s, &f->options, names, NULL);
	a = strstr(f->out.data, "\t400 bytes");
	b = strstr(f->out.data, "\t100 bytes");
	c = strstr(f->out.data, "(less: -90 ");
	d = strstr(f->out.data, "(less: -10 ");
	assert_true(a && b && c && d && a < b && b < c && c < d);
}

static void report_write__baseline_with_blocks__younger_ones_only(void **state)
{
	struct fixture *f = *state;
	const struct report_block blocks[] = {
		{.address = 0x10, .bytes = 50, .age_s = 9, .chance = 1, .site = 1},
		{.address = 0x20, .bytes = 60, .age_s = 7.4, .chance = 1, .site = 1},
	};

	set_site(f, 0, 110, 2, 60, 1);
	f->s.site_count = 1;
	f->options.blocks = blocks;
	f->options.block_count = 2;
	f->options.show_allocs = true;
	buffer_reset(&f->out);
	report_write(&f->out, &f->s, &f->options, names, NULL);
	assert_null(strstr(f->out.data, "addr = 0x10 "));
	assert_non_null(strstr(f->out.data, "addr = 0x20 size = 60"));
}

static bool resident(void *context, const struct snapshot_site *site,
		     const struct report_block *blocks, size_t count, struct resident *r)
{
	(void)context;
	assert_int_equal(site->site, 1);
	assert_int_equal(count, 2);
	assert_int_equal(blocks[1].bytes, 60);
	*r = (struct resident){
		.resident_bytes = 70, .swapped_bytes = 3, .looked_bytes = 110, .looked_blocks = 2};
	return true;
}

static void report_write__blocks__resident_part(void **state)
{
	struct fixture *f = *state;
	const struct report_block blocks[] = {
		{.address = 0x10, .bytes = 50, .age_s = 1, .chance = 1, .site = 1},
		{.address = 0x20, .bytes = 60, .age_s = 1, .chance = 1, .site = 1},
	};

	set_site(f, 0, 110, 2, 0, 0);
	f->sites[0].change = NULL;
	f->s.changes = NULL;
	f->s.site_count = 1;
	f->options.blocks = blocks;
	f->options.block_count = 2;
	f->options.show_allocs = true;
	f->options.resident = resident;
	expect(f,
	       HEADER "\t110 bytes in 2 allocations from stack\n"
		      "\t\taddr = 0x10 size = 50 age = 1.0s\n"
		      "\t\taddr = 0x20 size = 60 age = 1.0s\n"
		      "\t\t[resident 70 of 110 bytes in 2 blocks looked at, swapped out 3]\n" LOST);
}

static void report_write__suppressed_site__no_verdict(void **state)
{
	struct fixture *f = *state;

	set_site(f, 0, 110, 2, 0, 0);
	f->sites[0].change = NULL;
	f->sites[0].verdict = VERDICT_NONE;
	f->s.changes = NULL;
	f->s.site_count = 1;
	f->options.verbose = true;
	report_write(&f->out, &f->s, &f->options, names, NULL);
	assert_non_null(strstr(f->out.data, "verdict suppressed, score 0]"));
}

static void report_add_process__limit__near_or_verbose(void **state)
{
	struct fixture *f = *state;
	struct snapshot_process *p = &f->processes[0];

	p->exhaustion = (struct exhaustion){.known = true,
					    .kind = LIMIT_CGROUP,
					    .limit_bytes = 512 * M,
					    .left_bytes = 20 * M,
					    .seconds = 1800};
	strcpy(p->comm, "a\x1b");
	report_add_process(&f->out, p, false);
	assert_string_equal(f->out.data,
			    "\t(4711 a?: growing as it does now, it meets the limit of its cgroup, "
			    "512M, of which 20.0M are left, in 30m00s)\n");
	buffer_reset(&f->out);
	p->exhaustion.seconds = 86400;
	report_add_process(&f->out, p, false);
	assert_int_equal(f->out.length, 0);
	p->beside.known = true;
	p->beside.parts[BESIDE_HEAP].known = true;
	p->beside.first = p->beside.now = (struct memory_use){
		.rss = 9 * M,
		.anonymous = 8 * M,
		.file = M,
		.swap = 0,
		.pss = MEMORY_UNKNOWN,
	};
	report_add_process(&f->out, p, false);
	assert_string_equal(
		f->out.data,
		"\t(4711 a?: RSS 9.00M (anonymous 8.00M, files 1.00M, shared 0B), swapped "
		"out 0B; outstanding 0B)\n");
	buffer_reset(&f->out);
	report_add_process(&f->out, p, true);
	assert_string_equal(
		f->out.data,
		"\t(4711 a?: RSS 9.00M (anonymous 8.00M, files 1.00M, shared 0B), swapped out 0B; "
		"outstanding 0B)\n"
		"\t(4711 a?: RSS has hardly changed (+0B))\n"
		"\t(4711 a?: growing as it does now, it meets the limit of its cgroup, 512M, of "
		"which "
		"20.0M are left, in 1d00h)\n");
}

static void report_add_pools__churn__listed_with_its_stack(void **state)
{
	struct fixture *f = *state;

	f->sites[0] = (struct snapshot_site){.site = 1,
					     .stack = 1,
					     .totals = {.alloc_bytes = 48000000,
							.alloc_count = 1000000,
							.free_bytes = 48000000,
							.free_count = 1000000,
							.peak_bytes = 4800,
							.temporary_count = 250000},
					     .lifetimes = {.median_s = 0.0005, .alike_share = 1}};
	f->s.site_count = 1;
	report_add_pools(&f->out, &f->s, 10, names, NULL);
	assert_string_equal(f->out.data,
			    "\tSites that a pool or a buffer used again would relieve: 1\n"
			    "\t100K allocations/s of 48 bytes (4.58M/s): a pool would spare 200K "
			    "calls/s, for 100 "
			    "blocks, 4.69K\n"
			    "\t\t[1000000 allocated so far, 100.0% of like size, 25.0% of the "
			    "freed temporary, half "
			    "of them live less than 500 us]\n"
			    "\t\txmalloc+0x1 [app]\n"
			    "\t\tserve?+0x1a [app] (a.c:9)\n");
	buffer_reset(&f->out);
	f->s.site_count = 0;
	report_add_pools(&f->out, &f->s, 10, names, NULL);
	assert_string_equal(f->out.data,
			    "\tSites that a pool or a buffer used again would relieve: 0\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(report_write__baseline__more_then_less),
		TEST(report_write__baseline_fewer_larger_blocks__count_of_the_line_is_0),
		TEST(report_write__baseline_order__largest_change_first_least_at_the_end),
		TEST(report_write__baseline_with_blocks__younger_ones_only),
		TEST(report_write__blocks__resident_part),
		TEST(report_write__suppressed_site__no_verdict),
		TEST(report_add_process__limit__near_or_verbose),
		TEST(report_add_pools__churn__listed_with_its_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
