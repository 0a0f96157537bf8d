/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/analyse/build.h"

static struct snapshot make(size_t processes, size_t sites)
{
	struct snapshot s = {.process_count = processes, .site_count = sites};

	s.processes = calloc(processes, sizeof(*s.processes));
	s.sites = calloc(sites, sizeof(*s.sites));
	assert_non_null(s.processes);
	assert_non_null(s.sites);
	for (size_t i = 0; i < sites; i++) {
		s.sites[i].site = (uint32_t)i + 1;
		s.sites[i].totals = (struct totals){.outstanding_bytes = 10 * (i + 1),
						    .outstanding_count = 1,
						    .alloc_bytes = 100,
						    .alloc_count = 3,
						    .free_bytes = 100 - 10 * (i + 1),
						    .free_count = 2,
						    .peak_bytes = 50};
		s.sites[i].version = i + 1;
	}
	s.processes[0].site_count = (uint32_t)sites;
	return s;
}

static void snapshot_fold__equal_ids__one_row_with_the_sums(void **state)
{
	struct snapshot s = make(1, 4);
	const uint64_t ids[] = {7, 8, 7, 7};
	uint32_t primary[5] = {0};

	(void)state;
	assert_int_equal(snapshot_fold(&s, ids, primary), 0);
	assert_int_equal(s.site_count, 2);
	assert_int_equal(s.sites[0].site, 1);
	assert_int_equal(s.sites[0].totals.outstanding_bytes, 10 + 30 + 40);
	assert_int_equal(s.sites[0].totals.alloc_count, 9);
	assert_int_equal(s.sites[0].totals.peak_bytes, 80);
	assert_int_equal(s.sites[0].version, 4);
	assert_int_equal(s.processes[0].site_count, 2);
	assert_int_equal(primary[3], 1);
	assert_int_equal(primary[4], 1);
	assert_int_equal(primary[2], 2);
	snapshot_free(&s);
}

static void snapshot_fold__same_id_in_two_processes__stays_apart(void **state)
{
	struct snapshot s = make(2, 2);
	const uint64_t ids[] = {7, 7};

	(void)state;
	s.sites[1].process = 1;
	assert_int_equal(snapshot_fold(&s, ids, NULL), 0);
	assert_int_equal(s.site_count, 2);
	snapshot_free(&s);
}

static void snapshot_fold__nothing_equal__unchanged(void **state)
{
	struct snapshot s = make(1, 3);
	const uint64_t ids[] = {1, 2, 3};

	(void)state;
	assert_int_equal(snapshot_fold(&s, ids, NULL), 0);
	assert_int_equal(s.site_count, 3);
	assert_int_equal(s.sites[2].totals.outstanding_bytes, 30);
	snapshot_free(&s);
}

static void snapshot_fold__empty__nothing(void **state)
{
	struct snapshot s = make(1, 1);

	(void)state;
	s.site_count = 0;
	assert_int_equal(snapshot_fold(&s, NULL, NULL), 0);
	assert_int_equal(s.site_count, 0);
	snapshot_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshot_fold__equal_ids__one_row_with_the_sums),
		cmocka_unit_test(snapshot_fold__same_id_in_two_processes__stays_apart),
		cmocka_unit_test(snapshot_fold__nothing_equal__unchanged),
		cmocka_unit_test(snapshot_fold__empty__nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
