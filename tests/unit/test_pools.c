/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/pools.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include "../../include/calls.h"
#include "../../user/analyse/pools.h"

struct fixture {
	struct snapshot s;
	struct snapshot_site sites[4];
};

/* `count` blocks of `bytes`, all freed but `live`, at most `peak` at the same time, in 10 s. */
static struct fixture churn(uint64_t count, uint64_t bytes, uint64_t live, uint64_t peak)
{
	struct fixture f = {.s = {.elapsed_s = 10, .site_count = 1}};

	f.sites[0] = (struct snapshot_site){
		.site = 1,
		.totals = {.outstanding_bytes = live * bytes,
			   .outstanding_count = live,
			   .alloc_bytes = count * bytes,
			   .alloc_count = count,
			   .free_bytes = (count - live) * bytes,
			   .free_count = count - live,
			   .peak_bytes = peak * bytes},
		.lifetimes = {.median_s = -1, .alike_share = 1},
	};
	return f;
}

static size_t find(struct fixture *f, struct pool_row **rows)
{
	f->s.sites = f->sites;
	return pools_find(&f->s, rows);
}

static void assert_near(double actual, double expected)
{
	assert_true(fabs(actual - expected) <= 1e-9 * fabs(expected));
}

static void pools_find__churn__what_a_pool_saves(void **state)
{
	struct fixture f = churn(1000000, 48, 7, 100);
	struct pool_row *rows;

	(void)state;
	assert_int_equal(find(&f, &rows), 1);
	assert_near(rows[0].allocs_per_s, 100000);
	assert_near(rows[0].bytes_per_s, 4800000);
	assert_near(rows[0].calls_per_s, 2 * 99999.3);
	assert_near(rows[0].mean_bytes, 48);
	assert_int_equal(rows[0].blocks, 100);
	assert_int_equal(rows[0].bytes, 4800);
	assert_near(rows[0].life_s, 0.001);
	assert_true(rows[0].life_bound);
	assert_int_equal(rows[0].advice, POOL_KEEP);
	free(rows);
	f.sites[0].lifetimes.median_s = 0.0004;
	f.sites[0].lifetimes.alike_share = 0.5;
	assert_int_equal(find(&f, &rows), 1);
	assert_near(rows[0].life_s, 0.0004);
	assert_false(rows[0].life_bound);
	assert_int_equal(rows[0].advice, POOL_ARENA);
	free(rows);
	f.sites[0].totals.temporary_count = 950000;
	assert_int_equal(find(&f, &rows), 1);
	assert_int_equal(rows[0].advice, POOL_REUSE);
	assert_true(rows[0].temporary_share > 0.94);
	free(rows);
}

static void assert_none(struct fixture f)
{
	struct pool_row *rows;

	assert_int_equal(find(&f, &rows), 0);
	assert_null(rows);
}

static void pools_find__no_churn__none(void **state)
{
	struct fixture f = churn(1000000, 48, 7, 100);

	(void)state;
	assert_none(churn(1000000, 48, 500000, 500000)); /* kept */
	assert_none(churn(1000000, 48, 0, 200000));	 /* all there at once, then none */
	assert_none(churn(900, 48, 0, 1));		 /* too few */
	f.s.elapsed_s = 1e6;				 /* too slow */
	assert_none(f);
	f = churn(1000000, 48, 7, 100);
	f.sites[0].range = true;
	assert_none(f);
	f.s.elapsed_s = 0;
	assert_none(f);
	f.s.site_count = 0;
	assert_none(f);
}

static void pools_find__no_bytes__one_block(void **state)
{
	struct fixture f = churn(5000, 0, 0, 0);
	struct pool_row *rows;

	(void)state;
	assert_int_equal(find(&f, &rows), 1);
	assert_int_equal(rows[0].blocks, 1);
	assert_int_equal(rows[0].bytes, 0);
	free(rows);
}

static void pools_find__several__most_calls_first(void **state)
{
	struct fixture f = churn(10000, 16, 0, 3);
	struct pool_row *rows;

	(void)state;
	f.s.site_count = 4;
	for (uint32_t i = 1; i < 4; i++) {
		f.sites[i] = f.sites[0];
		f.sites[i].site = i + 1;
	}
	f.sites[2].totals.free_count = 9999;
	f.sites[3].totals.free_count = 100; /* not one */
	f.sites[0].totals.free_count = 9000;
	assert_int_equal(find(&f, &rows), 3);
	assert_int_equal(rows[0].site->site, 2);
	assert_int_equal(rows[1].site->site, 3);
	assert_int_equal(rows[2].site->site, 1);
	free(rows);
}

static void pools_find__go__a_sync_pool_of_larger_objects(void **state)
{
	/* all of a cycle's garbage is there at the same time */
	struct fixture f = churn(10000, 512, 7, 5000);
	struct pool_row *rows;

	(void)state;
	f.sites[0].call = CALL_ID_GO;
	assert_int_equal(find(&f, &rows), 1);
	assert_int_equal(rows[0].advice, POOL_SYNC);
	assert_near(rows[0].calls_per_s, 999.3);
	assert_int_equal(rows[0].blocks, 0);
	assert_true(rows[0].life_s < 0);
	free(rows);
	f = churn(10000, 32, 7, 5000);
	f.sites[0].call = CALL_ID_GO;
	assert_int_equal(find(&f, &rows), 0);
	f = churn(10000, 512, 7, 5000);
	f.sites[0].call = CALL_ID_MALLOC;
	assert_int_equal(find(&f, &rows), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pools_find__churn__what_a_pool_saves),
		cmocka_unit_test(pools_find__no_churn__none),
		cmocka_unit_test(pools_find__no_bytes__one_block),
		cmocka_unit_test(pools_find__several__most_calls_first),
		cmocka_unit_test(pools_find__go__a_sync_pool_of_larger_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
