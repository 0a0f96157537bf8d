/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/target/limits.c, on directories made for them, and of user/analyse/exhaust.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../user/analyse/exhaust.h"

#define M 1048576ull

struct tree {
	char root[32];
};

static int set_up(void **state)
{
	static struct tree t;

	strcpy(t.root, "/tmp/test_limits.XXXXXX");
	*state = &t;
	return mkdtemp(t.root) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct tree *t = *state;
	char line[64];

	snprintf(line, sizeof(line), "rm -rf %s", t->root);
	return system(line);
}

/* Makes the directories of the path, too. */
static void put(const struct tree *t, const char *path, const char *text)
{
	char full[512], *slash;
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", t->root, path);
	for (slash = full + strlen(t->root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	f = fopen(full, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct memory_limits read_limits(const struct tree *t)
{
	struct memory_limits l;

	limits_read(t->root, 7, &l);
	return l;
}

static void assert_limit(const struct memory_limit *l, uint64_t limit, uint64_t left)
{
	assert_true(l->known);
	assert_int_equal(l->limit_bytes, limit);
	assert_int_equal(l->left_bytes, left);
}

static void limits_read__nothing_there__none_known(void **state)
{
	struct memory_limits l = read_limits(*state);

	for (int i = 0; i < LIMIT_KINDS; i++)
		assert_false(l.v[i].known);
}

static void limits_read__cgroup_v2__least_left_of_all_above(void **state)
{
	struct tree *t = *state;
	struct memory_limits l;

	put(t, "proc/7/cgroup", "0::/a/b c\n");
	put(t, "sys/fs/cgroup/a/b c/memory.max", "max\n");
	put(t, "sys/fs/cgroup/a/b c/memory.current", "1048576\n");
	l = read_limits(t);
	assert_false(l.v[LIMIT_CGROUP].known);
	put(t, "sys/fs/cgroup/a/memory.max", "104857600\n");
	put(t, "sys/fs/cgroup/a/memory.current", "83886080\n");
	l = read_limits(t);
	assert_limit(&l.v[LIMIT_CGROUP], 100 * M, 20 * M);
	/* what files could give back */
	put(t, "sys/fs/cgroup/a/memory.stat",
	    "anon 1\nworkingset_inactive_file 5\ninactive_file 31457280\nactive_file 2\n");
	l = read_limits(t);
	assert_limit(&l.v[LIMIT_CGROUP], 100 * M, 50 * M);
	put(t, "sys/fs/cgroup/a/b c/memory.max", "2097152\n");
	l = read_limits(t);
	assert_limit(&l.v[LIMIT_CGROUP], 2 * M, M);
	/* above its limit nothing is left */
	put(t, "sys/fs/cgroup/a/b c/memory.current", "9000000\n");
	l = read_limits(t);
	assert_limit(&l.v[LIMIT_CGROUP], 2 * M, 0);
}

static void limits_read__cgroup_v1__memory_controller(void **state)
{
	struct tree *t = *state;
	struct memory_limits l;

	put(t, "proc/7/cgroup",
	    "12:cpu,cpuacct:/x\n11:hugememory:/x\n4:blkio,memory:/m\n1:name=systemd:/s\n0::/\n");
	put(t, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	put(t, "sys/fs/cgroup/memory/memory.usage_in_bytes", "12\n");
	l = read_limits(t);
	assert_false(l.v[LIMIT_CGROUP].known);
	put(t, "sys/fs/cgroup/memory/m/memory.limit_in_bytes", "67108864\n");
	put(t, "sys/fs/cgroup/memory/m/memory.usage_in_bytes", "33554432\n");
	put(t, "sys/fs/cgroup/memory/m/memory.stat",
	    "inactive_file 1\ntotal_inactive_file 1048576\n");
	l = read_limits(t);
	assert_limit(&l.v[LIMIT_CGROUP], 64 * M, 33 * M);
}

static void limits_read__hostile_paths__not_followed(void **state)
{
	struct tree *t = *state;
	struct memory_limits l;
	char *text = malloc(20000);

	assert_non_null(text);
	put(t, "sys/fs/cgroup/a/memory.max", "1\n");
	put(t, "sys/fs/cgroup/a/memory.current", "0\n");
	put(t, "proc/7/cgroup", "0::/../a\n");
	l = read_limits(t);
	assert_false(l.v[LIMIT_CGROUP].known);
	put(t, "proc/7/cgroup", "0::\n:\n::\n0:\n\n0::a\n");
	l = read_limits(t);
	assert_false(l.v[LIMIT_CGROUP].known);
	memset(text, '/', 19999);
	memcpy(text, "0::", 3);
	text[19999] = '\0';
	put(t, "proc/7/cgroup", text);
	l = read_limits(t);
	assert_false(l.v[LIMIT_CGROUP].known);
	free(text);
}

static void limits_read__address_space_and_machine__read(void **state)
{
	struct tree *t = *state;
	struct memory_limits l;

	put(t, "proc/7/status", "Name:\tx\nVmPeak:\t 9 kB\nVmSize:\t    2048 kB\n");
	put(t, "proc/7/limits",
	    "Limit                     Soft Limit           Hard Limit           Units     \n"
	    "Max address space         unlimited            unlimited            bytes     \n");
	put(t, "proc/meminfo", "MemTotal:  8192 kB\nMemFree: 1 kB\nMemAvailable:  4096 kB\n");
	l = read_limits(t);
	assert_false(l.v[LIMIT_ADDRESS_SPACE].known);
	assert_limit(&l.v[LIMIT_MACHINE], 8 * M, 4 * M);
	put(t, "proc/7/limits",
	    "Max address space         3145728              unlimited            bytes     \n");
	l = read_limits(t);
	assert_limit(&l.v[LIMIT_ADDRESS_SPACE], 3 * M, M);
}

static void limits_read__this_process__machine_known(void **state)
{
	struct memory_limits l;

	(void)state;
	limits_read("", getpid(), &l);
	assert_true(l.v[LIMIT_MACHINE].known);
	assert_in_range(l.v[LIMIT_MACHINE].left_bytes, 1, l.v[LIMIT_MACHINE].limit_bytes);
}

static void exhaustion_of__several_limits__least_left_first(void **state)
{
	struct memory_limits l = {.v = {[LIMIT_CGROUP] = {true, 100 * M, 60 * M},
					[LIMIT_ADDRESS_SPACE] = {false, 0, 0},
					[LIMIT_MACHINE] = {true, 1000 * M, 30 * M}}};
	struct exhaustion e = exhaustion_of(&l, (double)M);
	char text[160];

	(void)state;
	assert_true(e.known);
	assert_int_equal(e.kind, LIMIT_MACHINE);
	assert_true(fabs(e.seconds - 30) < 1e-9);
	assert_string_equal(
		exhaustion_text(&e, text, sizeof(text)),
		"the end of the machine's memory, 0.98G, of which 30.0M are left, in 30s");
	l.v[LIMIT_MACHINE].left_bytes = 90 * M;
	e = exhaustion_of(&l, (double)M);
	assert_int_equal(e.kind, LIMIT_CGROUP);
	assert_true(fabs(e.seconds - 60) < 1e-9);
	l.v[LIMIT_CGROUP].left_bytes = 0;
	e = exhaustion_of(&l, (double)M);
	assert_true(e.known);
	assert_true(e.seconds < 1e-9);
}

static void exhaustion_of__no_growth_or_far_away__not_known(void **state)
{
	struct memory_limits l = {.v = {[LIMIT_MACHINE] = {true, 1000 * M, 1000 * M}}};
	char text[160];
	struct exhaustion e;

	(void)state;
	assert_false(exhaustion_of(&l, 0).known);
	assert_false(exhaustion_of(&l, -1e6).known);
	assert_false(exhaustion_of(&l, (double)NAN).known);
	assert_false(exhaustion_of(&l, 1).known); /* in 33 years */
	l.v[LIMIT_MACHINE].known = false;
	e = exhaustion_of(&l, 1e9);
	assert_false(e.known);
	assert_string_equal(exhaustion_text(&e, text, sizeof(text)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(limits_read__nothing_there__none_known, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(limits_read__cgroup_v2__least_left_of_all_above,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(limits_read__cgroup_v1__memory_controller, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(limits_read__hostile_paths__not_followed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(limits_read__address_space_and_machine__read,
						set_up, tear_down),
		cmocka_unit_test(limits_read__this_process__machine_known),
		cmocka_unit_test(exhaustion_of__several_limits__least_left_first),
		cmocka_unit_test(exhaustion_of__no_growth_or_far_away__not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
