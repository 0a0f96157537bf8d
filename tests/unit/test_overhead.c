/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What so many hits cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "../../user/overhead.h"

static const struct trap_costs costs = {.ns = {400, 15000, 200}};

static void expect_cost(const struct probe_hits *hits, double ns)
{
	double cost = overhead_cost_ns(hits, &costs);

	if (fabs(cost - ns) > 1e-6 * (1 + ns))
		fail_msg("%g instead of %g", cost, ns);
}

static void overhead_cost__no_hits__nothing(void **state)
{
	(void)state;
	expect_cost(&(struct probe_hits){0}, 0);
}

static void overhead_cost__not_timed__traps_alone(void **state)
{
	(void)state;
	expect_cost(&(struct probe_hits){.count = {10, 2, 5}}, 10 * 400 + 2 * 15000 + 5 * 200);
}

/* The programs' time is the mean of those that were timed, by kind. */
static void overhead_cost__timed__programs_come_to_it(void **state)
{
	struct probe_hits hits = {
		.count = {1000, 0, 1000}, .timed = {10, 0, 4}, .time_ns = {1000, 0, 1200}};

	(void)state;
	expect_cost(&hits, 1000 * (400 + 100) + 1000 * (200 + 300));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overhead_cost__no_hits__nothing),
		cmocka_unit_test(overhead_cost__not_timed__traps_alone),
		cmocka_unit_test(overhead_cost__timed__programs_come_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
