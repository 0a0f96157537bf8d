/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/urgent.c: whatever the system allows, a thread is afterwards what it was before. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../user/base/urgent.h"

static void urgent_end__after_begin__as_before(void **state)
{
	struct sched_param before, after;
	int policy = sched_getscheduler(0);
	struct urgent urgent;

	(void)state;
	assert_int_equal(sched_getparam(0, &before), 0);
	urgent_begin(&urgent);
	if (urgent.policy >= 0)
		assert_int_equal(sched_getscheduler(0), SCHED_FIFO | SCHED_RESET_ON_FORK);
	else
		assert_int_equal(sched_getscheduler(0), policy);
	urgent_end(&urgent);
	assert_int_equal(sched_getscheduler(0) & ~SCHED_RESET_ON_FORK, policy);
	assert_int_equal(sched_getparam(0, &after), 0);
	assert_int_equal(after.sched_priority, before.sched_priority);
}

static void urgent_begin__twice__ends_nested(void **state)
{
	int policy = sched_getscheduler(0);
	struct urgent outer, inner;

	(void)state;
	urgent_begin(&outer);
	urgent_begin(&inner);
	urgent_end(&inner);
	if (outer.policy >= 0)
		assert_int_equal(sched_getscheduler(0) & ~SCHED_RESET_ON_FORK, SCHED_FIFO);
	urgent_end(&outer);
	assert_int_equal(sched_getscheduler(0) & ~SCHED_RESET_ON_FORK, policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urgent_end__after_begin__as_before),
		cmocka_unit_test(urgent_begin__twice__ends_nested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
