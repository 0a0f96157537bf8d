/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who gets no return probes, from the text of status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "../../user/probe/returns.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(returns_by_status__ordinary__free),
		cmocka_unit_test(returns_by_status__shadow_stack__forbidden),
		cmocka_unit_test(returns_by_status__shadow_stack_locked_but_off__free),
		cmocka_unit_test(returns_by_status__seccomp__by_what_the_kernel_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
