/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/alert_runner.c, with real shells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../user/alert_runner.h"

struct world {
	char directory[40], path[64], command[512];
};

static int set_up(void **state)
{
	static struct world w;

	strcpy(w.directory, "/tmp/test_alert_runner.XXXXXX");
	*state = &w;
	if (!mkdtemp(w.directory))
		return -1;
	/* the user who called sudo writes there, too */
	chmod(w.directory, 0777);
	snprintf(w.path, sizeof(w.path), "%s/out", w.directory);
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	char line[64];

	snprintf(line, sizeof(line), "rm -rf %s", w->directory);
	return system(line);
}

static void add(struct buffer *b, const char *variable)
{
	buffer_add(b, variable, strlen(variable) + 1);
}

/* The whole file; "" when there is none. */
static const char *text_of(const char *path)
{
	static char text[8192];
	FILE *f = fopen(path, "re");
	size_t n = 0;

	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

static void alert_runner_run__variables__as_they_are(void **state)
{
	struct world *w = *state;
	struct buffer b = {0};
	struct alert_runner *r;

	snprintf(w->command, sizeof(w->command),
		 "printf '%%s|' \"$TRACER_A\" \"$TRACER_B\" \"$TRACER_C\" >>%s", w->path);
	r = alert_runner_start(w->command);
	assert_non_null(r);
	add(&b, "TRACER_A=$(touch /tmp/never); `id` \"'");
	add(&b, "TRACER_B=two\nlines");
	add(&b, "TRACER_C=");
	assert_true(alert_runner_run(r, &b, false));
	alert_runner_stop(r);
	assert_string_equal(text_of(w->path), "$(touch /tmp/never); `id` \"'|two\nlines||");
	buffer_done(&b);
}

static void alert_runner_run__descriptors__none_of_ours(void **state)
{
	struct world *w = *state;
	struct buffer b = {0};
	struct alert_runner *r;
	int fd = dup(STDOUT_FILENO); /* without close-on-exec */

	snprintf(w->command, sizeof(w->command),
		 "exec >%s 2>/dev/null; ls /proc/$$/fd; readlink /proc/$$/fd/0; "
		 "kill -0 -$$ && echo leader",
		 w->path);
	r = alert_runner_start(w->command);
	assert_non_null(r);
	add(&b, "TRACER_A=1");
	assert_true(alert_runner_run(r, &b, true));
	alert_runner_stop(r);
	assert_string_equal(text_of(w->path), "0\n1\n2\n/dev/null\nleader\n");
	close(fd);
	buffer_done(&b);
}

/* 16 wait for a file; the 17th is refused, and all others end. */
static void alert_runner_run__too_many__refused(void **state)
{
	struct world *w = *state;
	struct buffer b = {0};
	struct alert_runner *r;
	char line[128];

	snprintf(w->command, sizeof(w->command),
		 "while ! test -e %s/go; do sleep 0.01; done; echo $TRACER_A >>%s", w->directory,
		 w->path);
	r = alert_runner_start(w->command);
	assert_non_null(r);
	add(&b, "TRACER_A=x");
	for (int i = 0; i < 20; i++)
		assert_true(alert_runner_run(r, &b, false));
	snprintf(line, sizeof(line), "touch %s/go", w->directory);
	assert_int_equal(system(line), 0);
	alert_runner_stop(r);
	assert_in_range(strlen(text_of(w->path)) / 2, 16, 20);
	buffer_done(&b);
}

static void alert_runner_stop__command_that_runs_on__left_alone(void **state)
{
	struct world *w = *state;
	struct buffer b = {0};
	struct alert_runner *r;
	pid_t pid = 0;

	snprintf(w->command, sizeof(w->command), "echo $$ >%s; exec sleep 1000", w->path);
	r = alert_runner_start(w->command);
	assert_non_null(r);
	add(&b, "TRACER_A=x");
	assert_true(alert_runner_run(r, &b, false));
	alert_runner_stop(r);
	pid = (pid_t)atoi(text_of(w->path));
	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	buffer_done(&b);
}

static void alert_runner_run__too_long__not_run(void **state)
{
	struct buffer b = {0};
	struct alert_runner *r = alert_runner_start("true");

	(void)state;
	assert_non_null(r);
	for (int i = 0; i < 10000; i++)
		buffer_add_char(&b, 'x');
	assert_false(alert_runner_run(r, &b, false));
	alert_runner_collect(r);
	alert_runner_stop(r);
	alert_runner_stop(NULL);
	buffer_done(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(alert_runner_run__variables__as_they_are),
		TEST(alert_runner_run__descriptors__none_of_ours),
		TEST(alert_runner_run__too_many__refused),
		TEST(alert_runner_stop__command_that_runs_on__left_alone),
		TEST(alert_runner_run__too_long__not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
