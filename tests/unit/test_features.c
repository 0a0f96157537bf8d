/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which way of attaching is chosen, and which results may be kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../user/probe/features.h"
#include "../../user/probe/features_cache.h"

static char directory[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/tracer-run-XXXXXX");
	assert_non_null(mkdtemp(directory));
	setenv("TRACER_RUN_DIR", directory, 1);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"attach-session",  "attach-multi", "attach-perf",
					    "seccomp-session", "cost-session", "direct-session"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(directory), 0);
	return 0;
}

static struct features none(void)
{
	struct features f = {.btf = true};

	for (int m = PROBE_SESSION; m < PROBE_METHODS; m++)
		f.methods[m].err = -EINVAL;
	return f;
}

static void features_best__several_work__best_first(void **state)
{
	struct features f = none();

	(void)state;
	assert_int_equal(features_best(&f), 0);
	f.methods[PROBE_PERF].err = 0;
	assert_int_equal(features_best(&f), PROBE_PERF);
	f.methods[PROBE_MULTI].err = 0;
	assert_int_equal(features_best(&f), PROBE_MULTI);
	f.methods[PROBE_SESSION].err = 0;
	assert_int_equal(features_best(&f), PROBE_SESSION);
}

static void features_remember__then_recall__same(void **state)
{
	struct selftest in = {.privileged = true, .sees_vfork = true}, out;

	(void)state;
	assert_false(features_recall(PROBE_PERF, &out));
	features_remember(PROBE_PERF, &in);
	assert_true(features_recall(PROBE_PERF, &out));
	assert_int_equal(out.err, 0);
	assert_true(out.privileged);
	assert_true(out.sees_vfork);
	assert_false(out.sees_fork);
	assert_false(features_recall(PROBE_MULTI, &out));
	features_remember_seccomp(PROBE_SESSION, -EACCES);
	assert_true(features_recall_seccomp(PROBE_SESSION, &out.err));
	assert_int_equal(out.err, -EACCES);
	assert_false(features_recall_seccomp(PROBE_PERF, &out.err));
}

/* What may be another way a moment later is tried again. */
static void features_remember__lack_of_the_moment__not_kept(void **state)
{
	static const int passing[] = {-EPERM, -ENOMEM, -EMFILE, -ENFILE, -EAGAIN, -EINTR, -EBUSY};
	struct selftest result;

	(void)state;
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		assert_false(features_lasts(passing[i]));
		result = (struct selftest){.err = passing[i]};
		features_remember(PROBE_SESSION, &result);
		assert_false(features_recall(PROBE_SESSION, &result));
	}
	assert_true(features_lasts(0));
	assert_true(features_lasts(-EINVAL));
	assert_true(features_lasts(-ENODATA));
}

static void features_recall__others_may_write__not_believed(void **state)
{
	struct selftest result = {.privileged = true};

	(void)state;
	features_remember(PROBE_SESSION, &result);
	assert_true(features_recall(PROBE_SESSION, &result));
	assert_int_equal(chmod(directory, 0777), 0);
	assert_false(features_recall(PROBE_SESSION, &result));
	assert_int_equal(chmod(directory, 0700), 0);
	assert_true(features_recall(PROBE_SESSION, &result));
}

static void features_recall_costs__nonsense__not_believed(void **state)
{
	struct trap_costs in = {.ns = {400, 15000, 200}}, out;

	(void)state;
	assert_false(features_recall_costs(PROBE_SESSION, &out));
	features_remember_costs(PROBE_SESSION, &in);
	assert_true(features_recall_costs(PROBE_SESSION, &out));
	for (int kind = 0; kind < HIT_KINDS; kind++)
		assert_true(out.ns[kind] >= in.ns[kind] && out.ns[kind] <= in.ns[kind]);
	in.ns[HIT_STEPPED] = -1;
	features_remember_costs(PROBE_SESSION, &in);
	assert_false(features_recall_costs(PROBE_SESSION, &out));
	in.ns[HIT_STEPPED] = NAN;
	features_remember_costs(PROBE_SESSION, &in);
	assert_false(features_recall_costs(PROBE_SESSION, &out));
}

static void direct_map_end__as_proc_iomem_says(void **state)
{
	char text[] =
		"00000000-00000fff : Reserved\n00001000-0009fbff : System RAM\n"
		"00100000-bfffffff : System RAM\n  01000000-01a00fff : Kernel code\n"
		"c0000000-febfffff : PCI Bus 0000:00\n  fd000000-fdffffff : 0000:00:02.0\n"
		"100000000-63fffffff : System RAM\n38000000000-387ffffffff : PCI Bus 0000:00\n",
	     hidden[] = "00000000-00000000 : System RAM\n",
	     nonsense[] = "x\n-\n12-zz : System RAM\n9-1 : System RAM\n";
	char *texts[] = {text, hidden, nonsense};
	const uint64_t end[] = {0x640000000, 0, 0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		FILE *file = fmemopen(texts[i], strlen(texts[i]), "r");

		assert_non_null(file);
		assert_int_equal(direct_map_end(file), end[i]);
		fclose(file);
	}
}

static void features_recall_direct__nonsense__not_believed(void **state)
{
	struct direct_map in = {.base = 0xffff888000000000, .end = 1 << 30, .levels = 4}, out;

	(void)state;
	assert_false(features_recall_direct(&out));
	features_remember_direct(&in);
	assert_true(features_recall_direct(&out));
	assert_int_equal(out.base, in.base);
	assert_int_equal(out.levels, 4);
	/* there is none */
	in.base = 0;
	features_remember_direct(&in);
	assert_true(features_recall_direct(&out));
	assert_int_equal(out.base, 0);
	in.base = 0xffff888000001000;
	features_remember_direct(&in);
	assert_false(features_recall_direct(&out));
	in.base = 0xffff888000000000;
	in.levels = 6;
	features_remember_direct(&in);
	assert_false(features_recall_direct(&out));
	in.levels = 4;
	in.end = 0;
	features_remember_direct(&in);
	assert_false(features_recall_direct(&out));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(features_best__several_work__best_first),
		TEST(features_remember__then_recall__same),
		TEST(features_remember__lack_of_the_moment__not_kept),
		TEST(features_recall__others_may_write__not_believed),
		TEST(features_recall_costs__nonsense__not_believed),
		TEST(direct_map_end__as_proc_iomem_says),
		TEST(features_recall_direct__nonsense__not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
