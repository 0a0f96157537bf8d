/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/reasons.c: the sentences, word by word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "../../user/analyse/reasons.h"

static void expect(const struct snapshot_site *site, const char *text)
{
	struct buffer b = {0};

	reasons_add(&b, site);
	assert_string_equal(b.data, text);
	buffer_done(&b);
}

static void reasons__leak__growth_and_survival(void **state)
{
	struct snapshot_site site = {
		.verdict = VERDICT_LEAK,
		.watched_s = 25,
		.bytes_trend = {.slope = 1258291, .p = 0.0001},
		.survival = {.age_s = 20, .elders = 4012, .alive = 3998},
	};

	(void)state;
	expect(&site,
	       "grew 1.20M/s for 25s (p < 0.001); of 4,012 blocks older than 20s, 3,998 are still "
	       "there");
	site.bytes_trend = (struct trend){.slope = 0.5, .p = 0.004};
	site.blocks_trend = (struct trend){.slope = 0.01};
	site.survival = (struct survival){.age_s = 20, .elders = 1, .alive = 1};
	expect(&site,
	       "grew 0.01 blocks/s for 25s (p = 0.004); of 1 block older than 20s, it is still "
	       "there");
}

/* What is not to be seen in the numbers. */
static void reasons__leak_by_another_rule__said(void **state)
{
	struct snapshot_site site = {
		.verdict = VERDICT_LEAK,
		.watched_s = 30,
		.rule = LEAK_ENLARGED,
		.bytes_trend = {.slope = 1024, .p = 0.0001},
		.survival = {.age_s = 20},
	};

	(void)state;
	expect(&site, "grew 1.00K/s for 30s (p < 0.001); no block got older than 20s; realloc only "
		      "makes its blocks larger, and none is freed");
	site.rule = LEAK_BURSTS;
	expect(&site, "grew 1.00K/s for 30s (p < 0.001); no block got older than 20s; they came in "
		      "bursts of like size");
	/* not that sure */
	site.verdict = VERDICT_GROWING;
	expect(&site, "grew 1.00K/s for 30s (p < 0.001); no block got older than 20s");
}

static void reasons__growing__what_becomes_of_old_ones(void **state)
{
	struct snapshot_site site = {
		.verdict = VERDICT_GROWING,
		.watched_s = 90,
		.bytes_trend = {.slope = 1024, .p = 0.02},
		.survival = {.age_s = 20},
	};

	(void)state;
	expect(&site, "grew 1.00K/s for 1m30s (p = 0.02); no block got older than 20s");
	site.survival = (struct survival){.age_s = 20, .elders = 1234567, .alive = 0};
	expect(&site,
	       "grew 1.00K/s for 1m30s (p = 0.02); of 1,234,567 blocks older than 20s, none is "
	       "still there");
	site.survival.alive = 1234560;
	expect(&site,
	       "grew 1.00K/s for 1m30s (p = 0.02); of 1,234,567 blocks older than 20s, 1,234,560 "
	       "are still there; but they do not come as those of a leak do: it may be filling");
}

static void reasons__steady__that_it_did_not_grow(void **state)
{
	struct snapshot_site site = {.verdict = VERDICT_STEADY, .watched_s = 30};

	(void)state;
	expect(&site, "did not grow for 30s");
	site.bytes_trend = (struct trend){.slope = -2048, .p = 0.5};
	expect(&site, "shrank 2.00K/s for 30s (p = 0.50)");
}

static void reasons__new__too_young(void **state)
{
	struct snapshot_site site = {.verdict = VERDICT_NEW};

	(void)state;
	expect(&site, "too young to tell");
	site.watched_s = 7;
	expect(&site, "too young to tell: watched for 7s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons__leak__growth_and_survival),
		cmocka_unit_test(reasons__leak_by_another_rule__said),
		cmocka_unit_test(reasons__growing__what_becomes_of_old_ones),
		cmocka_unit_test(reasons__steady__that_it_did_not_grow),
		cmocka_unit_test(reasons__new__too_young),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
