// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "../../user/pool_slices.h"

#define SECOND 1000000000ull
#define BEGUN  (100 * SECOND)

/* So much of the time one processor is used, and a slice costs so many ns of it a second. */
struct run {
	double cpu_per_s, cost_per_s;
	double cost_ns, cpu_ns;
	uint64_t longest_ns; /* slice */
};

static void drive(struct pool_slices *s, struct run *r, uint64_t seconds)
{
	uint64_t now = BEGUN, end = BEGUN + seconds * SECOND, next;

	while (now < end) {
		enum pool_slice_action action = pool_slices_step(s, now, r->cost_ns, r->cpu_ns);

		if (action == POOL_SLICE_CLOSE && now - s->since_ns > r->longest_ns)
			r->longest_ns = now - s->since_ns;
		if (action != POOL_SLICE_STAY)
			pool_slices_switched(s, action == POOL_SLICE_OPEN, now, r->cost_ns);
		next = pool_slices_next_ns(s, now);
		assert_true(next > now);
		if (s->on)
			r->cost_ns += r->cost_per_s * (double)(next - now) / 1e9;
		r->cpu_ns += r->cpu_per_s * (double)(next - now) / 1e9;
		now = next;
	}
}

static double covered_s(const struct pool_slices *s, uint64_t seconds)
{
	return (double)pool_slices_covered_ns(s, BEGUN + seconds * SECOND) / 1e9;
}

static void pool_slices__cheap__a_second_a_minute(void **state)
{
	struct run r = {.cpu_per_s = 1e9, .cost_per_s = 1e6};
	struct pool_slices s;

	(void)state;
	pool_slices_begin(&s, POOL_SLICE_PERCENT, 0, BEGUN);
	assert_int_equal(pool_slices_step(&s, BEGUN, 0, 0), POOL_SLICE_STAY);
	assert_int_equal(pool_slices_step(&s, BEGUN + POOL_SLICE_FIRST_NS, 0, 0), POOL_SLICE_OPEN);
	drive(&s, &r, 600);
	assert_int_equal(pool_slices_count(&s), 10);
	assert_true(fabs(covered_s(&s, 600) - 10) < 0.5);
}

static void pool_slices__idle__goes_on(void **state)
{
	struct run r = {.cpu_per_s = 0};
	struct pool_slices s;

	(void)state;
	pool_slices_begin(&s, 10, 0, BEGUN);
	drive(&s, &r, 100);
	assert_int_equal(pool_slices_count(&s), 10);
}

static void pool_slices__dear__short_and_within_the_limit(void **state)
{
	struct run r = {.cpu_per_s = 2e9, .cost_per_s = 1.9e9};
	struct pool_slices s;

	(void)state;
	pool_slices_begin(&s, POOL_SLICE_PERCENT, 0, BEGUN);
	drive(&s, &r, 600);
	assert_true(pool_slices_count(&s) > 5);
	assert_true(r.longest_ns <= SECOND / 10);
	/* one slice more than is paid for at most */
	assert_true(r.cost_ns <= POOL_SLICE_LIMIT / 100 * r.cpu_ns + 2 * POOL_SLICE_COST_NS);
}

static void pool_slices__max_overhead__a_part_of_it(void **state)
{
	struct run r = {.cpu_per_s = 1e9, .cost_per_s = 0.9e9};
	struct pool_slices s;

	(void)state;
	pool_slices_begin(&s, 100, 8, BEGUN);
	drive(&s, &r, 300);
	assert_true(r.cost_ns <= 0.08 * POOL_SLICE_BUDGET_PART * r.cpu_ns + 2 * POOL_SLICE_COST_NS);
	assert_true(r.cost_ns >= 0.08 * POOL_SLICE_BUDGET_PART * r.cpu_ns / 2);
}

static void pool_slices__all_the_time__never_ends(void **state)
{
	struct run r = {.cpu_per_s = 1e9, .cost_per_s = 0.9e9};
	struct pool_slices s;

	(void)state;
	pool_slices_begin(&s, 100, 0, BEGUN);
	drive(&s, &r, 100);
	assert_int_equal(pool_slices_count(&s), 1);
	assert_true(fabs(covered_s(&s, 100) - 99.5) < 0.1);
}

static void pool_slices__nothing_to_attach_to__looked_at_again(void **state)
{
	struct pool_slices s;

	(void)state;
	pool_slices_begin(&s, 100, 0, BEGUN);
	pool_slices_switched(&s, false, BEGUN + SECOND, 0);
	assert_int_equal(pool_slices_count(&s), 0);
	assert_int_equal(pool_slices_covered_ns(&s, BEGUN + 2 * SECOND), 0);
	assert_int_equal(pool_slices_step(&s, BEGUN + 2 * SECOND, 0, 0), POOL_SLICE_OPEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_slices__cheap__a_second_a_minute),
		cmocka_unit_test(pool_slices__idle__goes_on),
		cmocka_unit_test(pool_slices__dear__short_and_within_the_limit),
		cmocka_unit_test(pool_slices__max_overhead__a_part_of_it),
		cmocka_unit_test(pool_slices__all_the_time__never_ends),
		cmocka_unit_test(pool_slices__nothing_to_attach_to__looked_at_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
