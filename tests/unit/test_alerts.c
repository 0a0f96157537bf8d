/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/alerts.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "../../user/analyse/alerts.h"

static struct alert_rule rule(const char *text)
{
	struct alert_rule r;
	const char *advice;

	if (!alert_rule_parse(text, &r, &advice))
		fail_msg("'%s' is refused: %s", text, advice);
	return r;
}

static void alert_rule_parse__metrics_operators_units__all_read(void **state)
{
	static const struct {
		const char *text;
		enum alert_metric metric;
		enum alert_operator op;
		double limit;
	} cases[] = {
		{"outstanding>500M", ALERT_OUTSTANDING, ALERT_ABOVE, 500.0 * 1048576},
		{"outstanding>=1.5G", ALERT_OUTSTANDING, ALERT_AT_LEAST, 1.5 * 1073741824},
		{"growth>1M/s", ALERT_GROWTH, ALERT_ABOVE, 1048576},
		{"growth<-64k", ALERT_GROWTH, ALERT_BELOW, -65536},
		{" rss <= 2t ", ALERT_RSS, ALERT_AT_MOST, 2.0 * 1099511627776.0},
		{"rate>10k/s", ALERT_RATE, ALERT_ABOVE, 10000},
		{"rate<1", ALERT_RATE, ALERT_BELOW, 1},
		{"leaks>0", ALERT_LEAKS, ALERT_ABOVE, 0},
		{"lost>=1M", ALERT_LOST, ALERT_AT_LEAST, 1000000},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct alert_rule r = rule(cases[i].text);

		assert_int_equal(r.metric, cases[i].metric);
		assert_int_equal(r.op, cases[i].op);
		assert_true(fabs(r.limit - cases[i].limit) < 1e-3);
		assert_string_equal(r.text, cases[i].text);
	}
}

static void alert_rule_parse__malformed__refused_with_advice(void **state)
{
	static const char *const bad[] = {
		"",
		"outstanding",
		"outstanding>",
		"outstanding=5",
		"outstandings>5",
		">5",
		"heap>5",
		"outstanding>5x",
		"outstanding>5kk",
		"outstanding>5M/s",
		"rss>-1",
		"growth>--1",
		"growth>1M/m",
		"growth>1M/sec",
		"leaks>0/s",
		"lost > ",
		"rate>1e5",
		"outstanding>0x10",
		"outstanding>.",
		"outstanding>5 6",
		"Leaks>0",
		"outstanding>>5",
		"outstanding<>5",
		"rate>nan",
		"growth>inf",
		"rss>5,000",
		"outstanding=>5",
		"outstanding>1.2.3",
		"outstanding>11111111111111111111111111111111111111111111111111111111111",
	};
	struct alert_rule r;
	const char *advice;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (alert_rule_parse(bad[i], &r, &advice))
			fail_msg("'%s' is accepted", bad[i]);
		assert_true(strlen(advice) > 20);
	}
}

/* Steps a rule through a series; the moments at which it fired, as bits. */
static uint64_t fired_at(const char *text, const double *series, size_t count)
{
	struct alert_rule r = rule(text);
	struct alert_state state = {0};
	uint64_t moments = 0;

	for (size_t i = 0; i < count; i++) {
		struct alert_figures f;

		for (int m = 0; m < ALERT_METRICS; m++)
			f.v[m] = NAN;
		f.v[r.metric] = series[i];
		if (alerts_step(&r, 1, &state, &f))
			moments |= 1ull << i;
	}
	return moments;
}

#define FIRED(text, ...)                                                                           \
	fired_at(text, (const double[]){__VA_ARGS__},                                              \
		 sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

static void alerts_step__crossing__fires_once(void **state)
{
	(void)state;
	assert_int_equal(FIRED("lost>100", 0, 50, 100, 101, 102, 5000, 101), 1 << 3);
	assert_int_equal(FIRED("lost>=100", 0, 50, 100, 101), 1 << 2);
	assert_int_equal(FIRED("lost<100", 500, 100, 99, 98, 0), 1 << 2);
	assert_int_equal(FIRED("lost<=100", 500, 100, 99), 1 << 1);
	/* over from the beginning */
	assert_int_equal(FIRED("lost>100", 200, 200), 1 << 0);
}

static void alerts_step__trembles_around_the_limit__no_second_time(void **state)
{
	(void)state;
	assert_int_equal(FIRED("lost>100", 101, 99, 101, 95, 101, 91, 101), 1 << 0);
	assert_int_equal(FIRED("lost>100", 101, 90, 101, 89, 101), 1 << 0 | 1 << 2 | 1 << 4);
	assert_int_equal(FIRED("lost<100", 99, 101, 99, 109, 99), 1 << 0);
	assert_int_equal(FIRED("lost<100", 99, 110, 99), 1 << 0 | 1 << 2);
}

/* There is no tenth of 0: it must stay back for a while. */
static void alerts_step__limit_zero__again_after_five_looks_without(void **state)
{
	(void)state;
	assert_int_equal(FIRED("leaks>0", 0, 1, 2, 1, 0, 1, 0, 0, 0, 0, 1, 0), 1 << 1);
	assert_int_equal(FIRED("leaks>0", 0, 1, 0, 0, 0, 0, 0, 1, 1), 1 << 1 | 1 << 7);
	assert_int_equal(FIRED("growth>0", 1, -1, 2, -3, -1, -1, -1, -1, 1), 1 << 0 | 1 << 8);
	assert_int_equal(FIRED("growth<0", 5, -1, -7, 0, -1, 0, 1, 2, 3, 0, -1), 1 << 1 | 1 << 10);
	/* what is not known is no look */
	assert_int_equal(FIRED("rss>0", 1, 0, 0, NAN, 0, 0, NAN, 1, 0), 1 << 0);
	assert_int_equal(FIRED("leaks>=0", 0, 0, 0), 1 << 0);
}

static void alerts_step__negative_limit__margin_on_the_right_side(void **state)
{
	(void)state;
	assert_int_equal(FIRED("growth<-100", 0, -101, -95, -101, -90, -101), 1 << 1 | 1 << 5);
	assert_int_equal(FIRED("growth>-100", -200, -99, -105, -99, -110, -99), 1 << 1 | 1 << 5);
}

static void alerts_step__unknown_figure__nothing_changes(void **state)
{
	(void)state;
	assert_int_equal(FIRED("rss>100", NAN, 200, NAN, 200, NAN, 50, NAN, 200), 1 << 1 | 1 << 7);
}

static void alerts_step__many_rules__each_its_own(void **state)
{
	struct alert_rule rules[ALERT_RULES_MAX];
	struct alert_figures f = {.v = {[ALERT_OUTSTANDING] = 100, [ALERT_LEAKS] = 1}};
	struct alert_state seen = {0};

	(void)state;
	for (int i = 0; i < ALERT_RULES_MAX; i++)
		rules[i] = rule(i % 2 ? "outstanding>99" : "outstanding>100");
	rules[ALERT_RULES_MAX - 1] = rule("leaks>0");
	rules[ALERT_RULES_MAX - 2] = rule("leaks>1");
	assert_true(alerts_step(rules, ALERT_RULES_MAX, &seen, &f) == 0xaaaaaaaaaaaaaaaaull);
	assert_int_equal(alerts_step(rules, ALERT_RULES_MAX, &seen, &f), 0);
	f.v[ALERT_OUTSTANDING] = 101;
	assert_true(alerts_step(rules, ALERT_RULES_MAX, &seen, &f) == 0x1555555555555555ull);
	assert_int_equal(alerts_step(rules, 0, &seen, &f), 0);
}

/* A sawtooth and noise from a generator with a fixed seed: between two firings the figure was back. */
static void alerts_step__random_series__fired_only_after_it_was_back(void **state)
{
	struct alert_rule r = rule("outstanding>1000");
	struct alert_state seen = {0};
	uint64_t seed = 88172645463325252ull;
	bool was_back = true;
	int fired = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct alert_figures f = {.v = {[ALERT_RATE] = NAN}};

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		f.v[ALERT_OUTSTANDING] = (double)(seed % 1200);
		if (f.v[ALERT_OUTSTANDING] <= 900)
			was_back = true;
		if (alerts_step(&r, 1, &seen, &f)) {
			assert_true(was_back && f.v[ALERT_OUTSTANDING] > 1000);
			was_back = false;
			fired++;
		} else {
			assert_true(!was_back || f.v[ALERT_OUTSTANDING] <= 1000);
		}
	}
	assert_true(fired > 1000);
}

static void alert_value_text__units_of_the_metric(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(alert_value_text(ALERT_OUTSTANDING, 1048576, out, sizeof(out)),
			    "1.00M");
	assert_string_equal(alert_value_text(ALERT_RATE, 1500, out, sizeof(out)), "1.50K/s");
	assert_string_equal(alert_value_text(ALERT_LEAKS, 3, out, sizeof(out)), "3");
	assert_non_null(strchr(alert_value_text(ALERT_GROWTH, -1048576, out, sizeof(out)), '-'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alert_rule_parse__metrics_operators_units__all_read),
		cmocka_unit_test(alert_rule_parse__malformed__refused_with_advice),
		cmocka_unit_test(alerts_step__crossing__fires_once),
		cmocka_unit_test(alerts_step__trembles_around_the_limit__no_second_time),
		cmocka_unit_test(alerts_step__limit_zero__again_after_five_looks_without),
		cmocka_unit_test(alerts_step__negative_limit__margin_on_the_right_side),
		cmocka_unit_test(alerts_step__unknown_figure__nothing_changes),
		cmocka_unit_test(alerts_step__many_rules__each_its_own),
		cmocka_unit_test(alerts_step__random_series__fired_only_after_it_was_back),
		cmocka_unit_test(alert_value_text__units_of_the_metric),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
