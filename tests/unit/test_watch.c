/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/watch.c, over written snapshots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../user/base/clock.h"
#include "../../user/base/log.h"
#include "../../user/watch.h"

struct world {
	struct options options;
	struct alert_rule rules[4];
	struct snapshot s;
	struct snapshot_process processes[3];
	struct watch *w;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	log_capture(true); /* lines of alerts */
	w->options.alerts = w->rules;
	w->s.processes = w->processes;
	w->s.process_count = 2;
	for (uint32_t i = 0; i < 3; i++) {
		w->processes[i].index = i + 1;
		w->processes[i].pid = 100 + i;
		w->processes[i].rss_bytes = UINT64_MAX;
		snprintf(w->processes[i].comm, sizeof(w->processes[i].comm), "p%u", i);
	}
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	watch_close(w->w);
	free(w);
	return 0;
}

static void add_rule(struct world *w, const char *text)
{
	const char *advice;

	assert_true(alert_rule_parse(text, &w->rules[w->options.alert_count++], &advice));
}

static void begin(struct world *w)
{
	w->w = watch_open(&w->options);
	assert_non_null(w->w);
}

static const char *newest(const struct world *w)
{
	static char text[256];
	const struct watch_firing *f;
	size_t n = watch_firings(w->w, &f);

	assert_true(n > 0);
	return watch_firing_text(&f[n - 1], text, sizeof(text));
}

static void watch_look__two_processes__each_for_itself(void **state)
{
	struct world *w = *state;

	add_rule(w, "outstanding>1k");
	add_rule(w, "rss>1k");
	begin(w);
	assert_int_equal(watch_look(w->w, &w->s, false), 0);
	assert_false(watch_fired(w->w));
	w->processes[1].totals.outstanding_bytes = 2048;
	assert_int_equal(watch_look(w->w, &w->s, false), 1);
	assert_string_equal(newest(w), "outstanding>1k: 101 (p1) has 2.00K");
	assert_int_equal(watch_over(w->w, 2), 1);
	assert_int_equal(watch_over(w->w, 1), 0);
	assert_int_equal(watch_over(w->w, 77), 0);
	w->processes[0].totals.outstanding_bytes = 4096;
	w->processes[0].rss_bytes = 8192;
	assert_int_equal(watch_look(w->w, &w->s, false), 2);
	assert_int_equal(watch_over(w->w, 1), 3);
	assert_int_equal(watch_look(w->w, &w->s, false), 0);
	/* one that came later */
	w->s.process_count = 3;
	w->processes[2].totals.outstanding_bytes = 1025;
	assert_int_equal(watch_look(w->w, &w->s, false), 1);
	assert_true(watch_fired(w->w));
}

static void watch_look__ended__rates_say_nothing_any_more(void **state)
{
	struct world *w = *state;

	add_rule(w, "rate<10");
	add_rule(w, "growth<1");
	begin(w);
	w->processes[0].allocs_per_s = w->processes[1].allocs_per_s = 100;
	w->processes[0].growth_bytes_per_s = w->processes[1].growth_bytes_per_s = 100;
	assert_int_equal(watch_look(w->w, &w->s, false), 0);
	w->processes[0].allocs_per_s = w->processes[1].allocs_per_s = 0;
	w->processes[0].growth_bytes_per_s = w->processes[1].growth_bytes_per_s = 0;
	w->processes[0].exited = true;
	assert_int_equal(watch_look(w->w, &w->s, false), 2);
	assert_string_equal(newest(w), "growth<1: 101 (p1) has 0B/s");
}

static void watch_look__losses_of_nobody__those_of_the_run(void **state)
{
	struct world *w = *state;

	add_rule(w, "lost>0");
	add_rule(w, "lost<1");
	begin(w);
	w->processes[0].lost_events = 5;
	w->s.counts[COUNTER_RING_FULL] = 12;
	/* 5 of one process, none of the other, 7 of nobody */
	assert_int_equal(watch_look(w->w, &w->s, false), 3);
	assert_int_equal(watch_over(w->w, 0), 1);
	assert_int_equal(watch_over(w->w, 1), 1);
	assert_int_equal(watch_over(w->w, 2), 2);
	assert_int_equal(watch_look(w->w, &w->s, false), 0);
}

static void watch_firings__very_many__the_newest_are_kept(void **state)
{
	struct world *w = *state;
	const struct watch_firing *f;
	size_t n;

	add_rule(w, "leaks>0.5");
	begin(w);
	for (uint32_t i = 0; i < 1000; i++) {
		w->processes[0].leak_site_count = i % 2 ? i : 0;
		assert_int_equal(watch_look(w->w, &w->s, true), i % 2);
	}
	n = watch_firings(w->w, &f);
	assert_int_equal(n, WATCH_FIRINGS);
	assert_true(f[n - 1].value > 998 && f[0].value > 999 - 2 * WATCH_FIRINGS);
	assert_true(f[0].value < f[1].value);
}

static void watch_due__between_two_looks(void **state)
{
	struct world *w = *state;

	begin(w);
	assert_false(watch_due(w->w, 100 * NS_PER_S)); /* there is no rule */
	add_rule(w, "leaks>0");
	w->s.time_ns = 10 * NS_PER_S;
	watch_look(w->w, &w->s, false);
	assert_false(watch_due(w->w, 0));
	assert_false(watch_due(w->w, 10 * NS_PER_S));
	assert_true(watch_due(w->w, 11 * NS_PER_S));
}

/* The whole file; "" when there is none. */
static const char *text_of(const char *path)
{
	static char text[4096];
	FILE *f = fopen(path, "re");
	size_t n = 0;

	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

static void watch_look__hostile_name__harmless_in_the_environment(void **state)
{
	struct world *w = *state;
	char path[] = "/tmp/test_watch.XXXXXX", command[160];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	/* the user who called sudo writes there, too */
	assert_int_equal(fchmod(fd, 0666), 0);
	snprintf(command, sizeof(command),
		 "printf '%%s|' \"$TRACER_COMM\" \"$TRACER_PID\" \"$TRACER_ALERT_VALUE\" "
		 "\"$TRACER_RSS_BYTES\" \"$TRACER_ALERT_LIMIT\" >%s",
		 path);
	add_rule(w, "outstanding>=0.5k");
	w->options.on_alert = command;
	strcpy(w->processes[0].comm, "-`$(a);\"'\n*b");
	w->processes[0].totals.outstanding_bytes = 1ull << 53;
	w->s.process_count = 1;
	begin(w);
	assert_int_equal(watch_look(w->w, &w->s, true), 1);
	watch_finish(w->w);
	assert_string_equal(text_of(path), "????a??????b|100|9007199254740992||512|");
	close(fd);
	unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(watch_look__two_processes__each_for_itself),
		TEST(watch_look__ended__rates_say_nothing_any_more),
		TEST(watch_look__losses_of_nobody__those_of_the_run),
		TEST(watch_firings__very_many__the_newest_are_kept),
		TEST(watch_due__between_two_looks),
		TEST(watch_look__hostile_name__harmless_in_the_environment),
	};

	int failed = cmocka_run_group_tests(tests, NULL, NULL), null = open("/dev/null", O_WRONLY);

	/* the lines that were kept are written at exit */
	dup2(null, STDERR_FILENO);
	return failed;
}
