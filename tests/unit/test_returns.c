/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who gets no return probes, from the text of status; whose allocator keeps a profile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../user/probe/returns.h"
#include "../../user/target/profiler.h"

static enum return_rule rule(const char *status, bool survives, const char **words)
{
	struct process_info info = {0};

	process_parse_status(status, &info);
	return returns_by_status(&info, survives, words);
}

static void returns_by_status__ordinary__free(void **state)
{
	const char *words;

	(void)state;
	assert_int_equal(rule("Name:\ta\nSeccomp:\t0\n", false, &words), RETURNS_FREE);
	assert_string_equal(words, "");
}

static void returns_by_status__shadow_stack__forbidden(void **state)
{
	const char *words;

	(void)state;
	assert_int_equal(rule("x86_Thread_features:\tshstk \n", true, &words), RETURNS_FORBID);
	assert_string_not_equal(words, "");
}

static void returns_by_status__shadow_stack_locked_but_off__free(void **state)
{
	const char *words;

	(void)state;
	assert_int_equal(
		rule("x86_Thread_features:\t\nx86_Thread_features_locked:\tshstk \n", true, &words),
		RETURNS_FREE);
}

static void returns_by_status__seccomp__by_what_the_kernel_does(void **state)
{
	const char *words;

	(void)state;
	assert_int_equal(rule("Seccomp:\t2\n", true, &words), RETURNS_FREE);
	assert_int_equal(rule("Seccomp:\t2\n", false, &words), RETURNS_FORBID);
	assert_string_not_equal(words, "");
}

/* ---- whose allocator keeps a profile ---- */

/* What jemalloc lets a program define, and what it keeps for itself. */
const char *je_malloc_conf;
bool je_opt_prof;

#define TOLD(text) profiler_by_environment(text, sizeof(text))

static void profiler_by_environment__by_any_prefix__on(void **state)
{
	(void)state;
	assert_int_equal(TOLD("A=b\0MALLOC_CONF=lg_prof_sample:0,prof:true"), PROFILER_ON);
	assert_int_equal(TOLD("_RJEM_MALLOC_CONF=prof_leak:true\0A=b"), PROFILER_ON);
	assert_int_equal(TOLD("HEAPPROFILE=/tmp/p"), PROFILER_ON);
}

static void profiler_by_environment__intact__off(void **state)
{
	(void)state;
	assert_int_equal(profiler_by_environment("", 0), PROFILER_OFF);
	assert_int_equal(TOLD("A=b\0MALLOC_CONF=prof:false\0BASH_FUNC_f%%=() { x;\n}"),
			 PROFILER_OFF);
}

static void profiler_by_environment__written_over__not_told(void **state)
{
	(void)state;
	assert_int_equal(TOLD("\0\0\0"), PROFILER_NOT_TOLD);
	assert_int_equal(TOLD("server *:6379\0A=b"), PROFILER_NOT_TOLD);
	assert_int_equal(TOLD("postgres: a=b\0A=b"), PROFILER_NOT_TOLD);
	/* one byte that is no text at all */
	assert_int_equal(profiler_by_environment("=", 1), PROFILER_NOT_TOLD);
}

/* A child whose variables are as `change` makes them; what is found out about it. */
static bool found_of_child(void (*change)(void))
{
	int ready[2], go[2];
	bool found;
	char c = 0;
	pid_t pid;

	assert_int_equal(pipe(ready) | pipe(go), 0);
	pid = fork();
	if (!pid) {
		close(go[1]);
		change();
		_exit(write(ready[1], &c, 1) != 1 || read(go[0], &c, 1) != 0);
	}
	close(go[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	found = profiler_may_run(pid);
	close(go[1]);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return found;
}

static void change_nothing(void)
{
}

static void set_variable(void)
{
	setenv("MALLOC_CONF", "prof:true", 1);
}

static void set_options(void)
{
	je_malloc_conf = "narenas:1,prof:true";
}

static void set_state(void)
{
	je_opt_prof = true;
}

static void set_options_wild(void)
{
	je_malloc_conf = (const char *)(uintptr_t)0xfffffffffffff000;
}

static void set_environment_endless(void)
{
	static char *ring[1 << 16], endless[3 << 12];

	memset(endless, 'x', sizeof(endless));
	for (size_t i = 0; i < sizeof(ring) / sizeof(ring[0]); i++)
		ring[i] = i % 2 ? endless : (char *)(uintptr_t)(i << 40);
	environ = ring;
}

static void profiler_may_run__said_in_memory__true(void **state)
{
	(void)state;
	assert_true(found_of_child(set_variable));
	assert_true(found_of_child(set_options));
	assert_true(found_of_child(set_state));
}

static void profiler_may_run__said_nowhere__false(void **state)
{
	(void)state;
	assert_false(found_of_child(change_nothing));
}

static void profiler_may_run__hostile_variables__bounded(void **state)
{
	(void)state;
	assert_false(found_of_child(set_options_wild));
	assert_false(found_of_child(set_environment_endless));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(returns_by_status__ordinary__free),
		cmocka_unit_test(returns_by_status__shadow_stack__forbidden),
		cmocka_unit_test(returns_by_status__shadow_stack_locked_but_off__free),
		cmocka_unit_test(returns_by_status__seccomp__by_what_the_kernel_does),
		cmocka_unit_test(profiler_by_environment__by_any_prefix__on),
		cmocka_unit_test(profiler_by_environment__intact__off),
		cmocka_unit_test(profiler_by_environment__written_over__not_told),
		cmocka_unit_test(profiler_may_run__said_in_memory__true),
		cmocka_unit_test(profiler_may_run__said_nowhere__false),
		cmocka_unit_test(profiler_may_run__hostile_variables__bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
