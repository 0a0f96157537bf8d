/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.c: what each command line means, that every wrong one is refused with one line that names
 * the option, and that the manual page and the completion know exactly the options of the table.
 * Runs in the root of the repository.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/options.h"
#include "../../user/base/buffer.h"
#include "../../user/base/xalloc.h"

#define MAX_WORDS 48

struct line {
	char *words[MAX_WORDS + 1];
	int count;
	char *text;
};

/* Words are separated by single spaces; "''" is an empty word. */
static void line_init(struct line *l, const char *text)
{
	char *word, *rest;

	l->text = xasprintf("tracer %s", text);
	l->count = 0;
	for (word = strtok_r(l->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		assert_true(l->count < MAX_WORDS);
		l->words[l->count++] = strcmp(word, "''") != 0 ? word : word + 2;
	}
	l->words[l->count] = NULL;
}

/* Reads all of `f` from its start into a text to be freed. */
static char *read_all(FILE *f)
{
	struct buffer b = {0};
	char piece[4096];
	size_t n;

	rewind(f);
	buffer_add(&b, "", 0);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buffer_add(&b, piece, n);
	fclose(f);
	return b.data;
}

static char *read_path(const char *path)
{
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	return read_all(f);
}

/* What `print` writes to descriptor `fd`, to be freed. */
static char *output_of(int fd, void (*print)(void *), void *context)
{
	FILE *f = tmpfile();
	int saved = dup(fd);

	assert_non_null(f);
	fflush(NULL);
	assert_true(dup2(fileno(f), fd) >= 0);
	print(context);
	fflush(NULL);
	dup2(saved, fd);
	close(saved);
	return read_all(f);
}

struct attempt {
	struct line line;
	struct options options;
	bool ok;
};

static void attempt_run(void *context)
{
	struct attempt *a = context;

	a->ok = options_parse(&a->options, a->line.count, a->line.words);
}

static void attempt_done(struct attempt *a)
{
	options_done(&a->options);
	free(a->line.text);
}

static void parse_ok(struct attempt *a, const char *text)
{
	char *message;

	line_init(&a->line, text);
	message = output_of(STDERR_FILENO, attempt_run, a);
	if (!a->ok || *message)
		fail_msg("'%s': %s", text, message);
	free(message);
}

/* One line, "tracer: ", naming each of `names`. */
static void assert_refused(const char *text, const char *const names[3])
{
	struct attempt a;
	char *message;
	size_t i;

	line_init(&a.line, text);
	message = output_of(STDERR_FILENO, attempt_run, &a);
	if (a.ok)
		fail_msg("'%s' was accepted", text);
	if (strncmp(message, "tracer: ", 8) != 0 ||
	    strchr(message, '\n') != strrchr(message, '\n') || message[strlen(message) - 1] != '\n')
		fail_msg("'%s' is not one line of ours: %s", text, message);
	for (i = 0; i < 3 && names[i]; i++)
		if (!strstr(message, names[i]))
			fail_msg("'%s' does not name '%s': %s", text, names[i], message);
	free(message);
	attempt_done(&a);
}

static void options_parse__pid_only__defaults(void **state)
{
	struct attempt a;

	(void)state;
	parse_ok(&a, "-p 1234");
	assert_int_equal(a.options.mode, MODE_TRACE);
	assert_int_equal(a.options.pid_count, 1);
	assert_int_equal(a.options.pids[0], 1234);
	assert_int_equal(a.options.follow, -1);
	assert_int_equal(a.options.top, 10);
	assert_int_equal(a.options.sort, SORT_OUTSTANDING);
	assert_true(a.options.min_bytes == 0 && a.options.max_bytes == UINT64_MAX);
	assert_true(a.options.interval_s <= 0 && a.options.duration_s <= 0);
	assert_float_equal(a.options.leak_window_s, 30, 0);
	assert_float_equal(a.options.leak_interval_s, 1, 0);
	assert_float_equal(a.options.leak_threshold, 0.1, 1e-12);
	assert_true(!a.options.command && !a.options.files[FORMAT_CSV]);
	attempt_done(&a);
}

static void options_parse__pid_lists__collected_once_each(void **state)
{
	struct attempt a;

	(void)state;
	parse_ok(&a, "-p 12,7,12 --pid=9 -p7");
	assert_int_equal(a.options.pid_count, 3);
	assert_memory_equal(a.options.pids, ((pid_t[]){12, 7, 9}), 3 * sizeof(pid_t));
	attempt_done(&a);
}

static void options_parse__all_values__stored(void **state)
{
	struct attempt a;

	(void)state;
	parse_ok(&a,
		 "-n redis -f -f -O /a.so -O /b.so -z 4k -Z 1M -o 500 -T 3 -a -d 2.5 --sort growth "
		 "--csv - --csv-blocks b --mmap --skip ^x --skip y$ --attach-method perf -v "
		 "--max-overhead 2.5");
	assert_string_equal(a.options.name, "redis");
	assert_int_equal(a.options.follow, 1);
	assert_int_equal(a.options.object_count, 2);
	assert_string_equal(a.options.objects[1], "/b.so");
	assert_true(a.options.min_bytes == 4096 && a.options.max_bytes == 1048576);
	assert_int_equal(a.options.older_ms, 500);
	assert_int_equal(a.options.top, 3);
	assert_true(a.options.show_allocs && a.options.mmap && a.options.verbose);
	assert_float_equal(a.options.duration_s, 2.5, 0);
	assert_float_equal(a.options.max_overhead, 2.5, 0);
	assert_int_equal(a.options.sort, SORT_GROWTH);
	assert_string_equal(a.options.files[FORMAT_CSV], "-");
	assert_string_equal(a.options.files[FORMAT_CSV_BLOCKS], "b");
	assert_int_equal(a.options.skip_count, 2);
	assert_string_equal(a.options.skips[1], "y$");
	assert_int_equal(a.options.method, METHOD_PERF);
	attempt_done(&a);
	parse_ok(&a, "-p 1 --no-follow --leak-window 5 --leak-interval 0.5 --leak-threshold 0 -q "
		     "-b --dry-run "
		     "--csv-timeline t");
	assert_int_equal(a.options.follow, 0);
	assert_float_equal(a.options.leak_window_s, 5, 0);
	assert_float_equal(a.options.leak_interval_s, 0.5, 0);
	assert_true(a.options.leak_threshold <= 0);
	assert_true(a.options.quiet && a.options.batch && a.options.dry_run);
	assert_string_equal(a.options.files[FORMAT_CSV_TIMELINE], "t");
	attempt_done(&a);
	parse_ok(
		&a,
		"-p 1 --alert outstanding>1k --alert lost>0 --on-alert beep --baseline 2.5 --pools "
		"--suppress /dev/null");
	assert_int_equal(a.options.alert_count, 2);
	assert_int_equal(a.options.alerts[1].metric, ALERT_LOST);
	assert_float_equal(a.options.alerts[0].limit, 1024, 0);
	assert_string_equal(a.options.on_alert, "beep");
	assert_float_equal(a.options.baseline_s, 2.5, 0);
	assert_true(a.options.pools);
	assert_non_null(a.options.suppressions);
	attempt_done(&a);
	parse_ok(&a, "-p 1 -s 1024G");
	assert_true(a.options.sample_bytes == 1ull << 40);
	attempt_done(&a);
	parse_ok(&a, "-p 1 -s 1"); /* every byte is a sample: every allocation */
	assert_int_equal(a.options.sample_bytes, 0);
	attempt_done(&a);
}

static void assert_positionals(const char *text, double interval_s, uint64_t count)
{
	struct attempt a;

	parse_ok(&a, text);
	assert_float_equal(a.options.interval_s, interval_s, 0);
	assert_int_equal(a.options.report_count, count);
	attempt_done(&a);
}

static void options_parse__interval_and_count__anywhere_before_the_command(void **state)
{
	(void)state;
	assert_positionals("-p 1 5", 5, 0);
	assert_positionals("-p 1 0.5 2", 0.5, 2);
	assert_positionals("2 -p 1 3 -b", 2, 3);
	assert_positionals("-i 4 -p 1", 4, 0);
	assert_positionals("-i 4 -p 1 4.0 7", 4, 7);
	assert_positionals("5 2 -- ls 9 9 9", 5, 2);
	assert_positionals("-c ls 5 2", 5, 2);
	assert_positionals("-p 1 -z 4k -z 4096 -i 1 -i 1", 1, 0);
}

static void options_parse__command_after_dashes__its_own_argv(void **state)
{
	struct attempt a;

	(void)state;
	parse_ok(&a, "-u root -b -- prog -h -- -p 0 --live");
	assert_ptr_equal(a.options.command, a.line.words + 5);
	assert_string_equal(a.options.command[0], "prog");
	assert_string_equal(a.options.command[2], "--");
	assert_string_equal(a.options.command[5], "--live");
	assert_null(a.options.command[6]);
	assert_string_equal(a.options.user, "root");
	assert_false(a.options.live);
	assert_int_equal(a.options.pid_count, 0);
	attempt_done(&a);
}

static void options_parse__command_string__through_the_shell(void **state)
{
	char string[] = "prog 'a b' c";
	struct options o;
	struct line l;

	(void)state;
	line_init(&l, "-c STRING");
	l.words[2] = string;
	assert_true(options_parse(&o, l.count, l.words));
	assert_string_equal(o.command[0], "sh");
	assert_string_equal(o.command[1], "-c");
	assert_string_equal(o.command[2], "exec prog 'a b' c");
	assert_null(o.command[3]);
	options_done(&o);
	free(l.text);
	assert_null(o.command);
	options_done(NULL);
}

static void options_parse__modes__no_target_needed(void **state)
{
	struct attempt a;

	(void)state;
	parse_ok(&a, "--check");
	assert_int_equal(a.options.mode, MODE_CHECK);
	attempt_done(&a);
	parse_ok(&a, "-V -z 10q");
	assert_int_equal(a.options.mode, MODE_VERSION);
	attempt_done(&a);
	parse_ok(&a, "-p 1 --help --nonsense");
	assert_int_equal(a.options.mode, MODE_HELP);
	attempt_done(&a);
}

struct refusal {
	const char *text;
	const char *names[3];
};

static void assert_all_refused(const struct refusal *cases, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		assert_refused(cases[i].text, cases[i].names);
}

static void options_parse__bad_values__refused_by_name(void **state)
{
	static const struct refusal cases[] = {
		{"-p 0", {"'0'", "--pid"}},
		{"-p -1", {"'-1'", "--pid"}},
		{"-p x", {"'x'", "--pid"}},
		{"-p ''", {"--pid"}},
		{"-p 1,,2", {"'1,,2'"}},
		{"-p 1,", {"'1,'"}},
		{"-p ,1", {"',1'"}},
		{"-p 1,0", {"'1,0'"}},
		{"-p 2147483648", {"--pid"}},
		{"-p 18446744073709551617", {"--pid"}},
		{"-p 99999999999999999999999999999999999", {"--pid"}},
		{"-n ''", {"--name"}},
		{"-c ''", {"--command"}},
		{"-p 1 -z 10q", {"'10q'", "--min-size", "4k"}},
		{"-p 1 -z -1", {"--min-size"}},
		{"-p 1 -Z 99999999999999G", {"--max-size"}},
		{"-p 1 -i 0", {"--interval"}},
		{"-p 1 -i 0.001", {"--interval"}},
		{"-p 1 -i -1", {"--interval"}},
		{"-p 1 -i 1e9", {"--interval"}},
		{"-p 1 0", {"'0'", "interval"}},
		{"-p 1 -d 0", {"--duration"}},
		{"-p 1 -d inf", {"--duration"}},
		{"-p 1 -T 0", {"--top"}},
		{"-p 1 -o -5", {"--older"}},
		{"-p 1 --max-overhead 0", {"'0'", "--max-overhead", "above 0"}},
		{"-p 1 --max-overhead -1", {"'-1'", "--max-overhead"}},
		{"-p 1 --max-overhead nan", {"'nan'", "--max-overhead"}},
		{"-p 1 --max-overhead inf", {"'inf'", "--max-overhead"}},
		{"-p 1 --max-overhead 5 --max-overhead 6", {"'6'", "--max-overhead"}},
		{"-p 1 -o 1.5", {"--older"}},
		{"-p 1 --sort size", {"'size'", "--sort", "outstanding"}},
		{"-p 1 --attach-method best", {"'best'", "--attach-method", "perf"}},
		{"-p 1 --skip (", {"'('", "--skip"}},
		{"-p 1 --skip ''", {"--skip"}},
		{"-p 1 --csv ''", {"--csv"}},
		{"-p 1 --go-workload fast", {"'fast'", "--go-workload", "low-latency"}},
		{"-p 1 --folded-value bytes", {"'bytes'", "--folded-value", "temporary"}},
		{"-p 1 --metrics 0", {"'0'", "--metrics", "65535"}},
		{"-p 1 --metrics 99999", {"'99999'", "--metrics"}},
		{"-p 1 --metrics abc", {"'abc'", "--metrics"}},
		{"-p 1 --metrics localhost:9464", {"'localhost:9464'", "numbers"}},
		{"-p 1 -w ''", {"--write"}},
		{"-p 1 -w f --max-file-size x", {"'x'", "--max-file-size"}},
		{"-r", {"--read", "FILE"}},
		{"--diff", {"--diff", "A B"}},
		{"--diff a", {"--diff", "A B"}},
		{"--diff a b c", {"'c'"}},
		{"-p 1 --csv --live", {"'--live'", "--csv"}},
		{"-p 1 --leak-threshold x", {"--leak-threshold"}},
		{"-p 1 --leak-interval 0", {"--leak-interval"}},
		{"-p 1 --alert heap>1", {"'heap>1'", "--alert", "outstanding"}},
		{"-p 1 --alert rss>1x", {"'rss>1x'", "--alert", "1.5G"}},
		{"-p 1 --alert ''", {"--alert", "growth"}},
		{"-p 1 --baseline 0", {"'0'", "--baseline"}},
		{"-p 1 --suppress ''", {"--suppress"}},
		{"-p 1 --suppress /does/not/exist", {"'/does/not/exist'", "--suppress"}},
		{"-p 1 --suppress /dev/null --suppress /dev/null", {"--suppress", "twice"}},
		{"-p 1 5 0", {"'0'", "COUNT"}},
		{"-p 1 5 x", {"'x'", "COUNT"}},
		{"-p 1 ./prog", {"'./prog'", "INTERVAL", "--"}},
		{"-p 1 1 2 3", {"'3'"}},
	};

	(void)state;
	assert_all_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void options_parse__contradictions__both_named(void **state)
{
	static const struct refusal cases[] = {
		{"-p 1 -n x", {"--pid", "--name"}},
		{"-p 1 -- ls", {"--pid", "-- COMMAND"}},
		{"-p 1 -c ls", {"--pid", "--command"}},
		{"-n x -- ls", {"--name", "-- COMMAND"}},
		{"-c ls -- ls", {"--command", "-- ls"}},
		{"-c ls -c ps", {"two commands", "'ps'"}},
		{"-p 1 -q -v", {"--quiet", "--verbose"}},
		{"-p 1 -b --live", {"--batch", "--live"}},
		{"-p 1 -f --no-follow", {"--follow", "--no-follow"}},
		{"-p 1 --no-follow -f", {"--follow", "--no-follow"}},
		{"-p 1 -z 5k -Z 4k", {"--min-size", "--max-size"}},
		{"-p 1 -s 1025G", {"--sample", "1024G"}},
		{"-p 1 -i 5 6", {"--interval", "INTERVAL"}},
		{"-p 1 -i 5 -i 6", {"--interval", "'6'"}},
		{"-p 1 --csv a --csv b", {"--csv", "'b'"}},
		{"-n a -n b", {"--name", "'b'"}},
		{"-p 1 --csv - --csv-blocks -", {"--csv", "--csv-blocks"}},
		{"-p 1 --csv-blocks f --csv-timeline f", {"--csv-blocks", "--csv-timeline", "'f'"}},
		{"-p 1 --live --csv -", {"--live", "--csv -"}},
		{"-p 1 --live --pprof /dev/stdout", {"--live", "--pprof /dev/stdout"}},
		{"-p 1 --json - --folded -", {"--json", "--folded"}},
		{"-p 1 --csv /dev/stdout --pprof -", {"--csv", "--pprof"}},
		{"-p 1 --pprof f --json ./f", {"--json", "--pprof", "'f'"}},
		{"-p 1 --folded-value count --folded-value allocated", {"--folded-value"}},
		{"-p 1 --go-workload low-latency --go-workload high-throughput", {"--go-workload"}},
		{"-p 1 --metrics 1 --metrics 2", {"--metrics", "'2'"}},
		{"-p 1 --leak-window 1 --leak-interval 2", {"--leak-window", "--leak-interval"}},
		{"-p 1 -u root", {"--user", "command"}},
		{"-p 1 --baseline 5 -o 100", {"--baseline", "--older"}},
		{"-p 1 --baseline 5 --baseline 6", {"--baseline", "'6'"}},
		{"-p 1 --on-alert true", {"--on-alert", "--alert"}},
		{"-p 1 --alert lost>0 --on-alert a --on-alert b", {"--on-alert", "'b'"}},
	};

	(void)state;
	assert_all_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void options_parse__unknown_and_incomplete__refused_by_name(void **state)
{
	static const struct refusal cases[] = {
		{"", {"no target", "-p", "-n"}},
		{"-b", {"no target"}},
		{"--dry-run", {"no target"}},
		{"1234", {"no target", "-p 1234"}},
		{"--", {"--", "COMMAND"}},
		{"-p", {"--pid", "PID"}},
		{"-p 1 --csv", {"--csv", "FILE"}},
		{"-p 1 --nonsense", {"'--nonsense'", "--help"}},
		{"-p 1 --leak", {"'--leak'"}},
		{"-p 1 -y", {"'-y'", "--help"}},
		{"-p 1 -by", {"'-y'"}},
		{"-p 1 --live=yes", {"--live", "no argument"}},
	};

	(void)state;
	assert_all_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void options_parse__recordings__stored(void **state)
{
	struct attempt a;

	(void)state;
	parse_ok(&a, "-p 1 -w out.rec --max-file-size 3M");
	assert_string_equal(a.options.write, "out.rec");
	assert_int_equal(a.options.max_file_bytes, 3 << 20);
	attempt_done(&a);
	parse_ok(&a, "-r in.rec -b 0.5 3 -d 10 --leak-window 20 --csv out.csv");
	assert_string_equal(a.options.read, "in.rec");
	assert_int_equal(a.options.report_count, 3);
	assert_true(a.options.leak_window_given);
	assert_false(a.options.leak_interval_given);
	attempt_done(&a);
	parse_ok(&a, "--diff before.rec after.csv -T 3");
	assert_int_equal(a.options.mode, MODE_DIFF);
	assert_string_equal(a.options.diff[0], "before.rec");
	assert_string_equal(a.options.diff[1], "after.csv");
	assert_int_equal(a.options.top, 3);
	attempt_done(&a);
}

static void options_parse__recordings_and_live__both_named(void **state)
{
	static const struct refusal cases[] = {
		{"-r f -p 1", {"--pid", "--read"}},
		{"-r f -n x", {"--name", "--read"}},
		{"-r f -- ls", {"-- ls", "--read"}},
		{"-r f -c ls", {"--command", "--read"}},
		{"-r f -s 1k", {"--sample", "--read"}},
		{"-r f -z 1k", {"--min-size", "--read"}},
		{"-r f -f", {"--follow", "--read"}},
		{"-r f --mmap", {"--mmap", "--read"}},
		{"-r f --max-overhead 5", {"--max-overhead", "--read"}},
		{"-r f -w g", {"--write", "--read"}},
		{"-r f --check", {"--check", "--read"}},
		{"-r f --dry-run", {"--dry-run", "--read"}},
		{"-r f --attach-method perf", {"--attach-method", "--read"}},
		{"-p 1 --max-file-size 1M", {"--max-file-size", "--write"}},
		{"-p 1 -w f --csv f", {"--write", "--csv", "'f'"}},
		{"--diff a b -p 1", {"--pid", "--diff"}},
		{"--diff a b -r c", {"--read", "--diff"}},
		{"--diff a b --csv-timeline c", {"--csv-timeline", "--diff"}},
		{"--diff a b --metrics 9464", {"--metrics", "--json"}},
	};

	(void)state;
	assert_all_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void options_parse__letters_of_memleak__say_what_to_use(void **state)
{
	static const struct refusal cases[] = {
		{"-p 1 -t", {"-t", "memleak", "--csv-timeline"}},
		{"-p 1 -C", {"-C", "memleak", "call site"}},
		{"-p 1 -F", {"-F", "memleak", "counted"}},
		{"-p 1 -S je_", {"-S", "memleak", "-O"}},
		{"-p 1 -P", {"-P", "memleak", "not needed"}},
		{"-p 1 --combined-only", {"--combined-only", "memleak"}},
	};

	(void)state;
	assert_all_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void options_parse__hostile_argument__one_clean_line(void **state)
{
	char hostile[] = "\x1b[2J\n1";
	struct attempt a;
	char *message;

	(void)state;
	line_init(&a.line, "-p 1 -z SIZE");
	a.line.words[4] = hostile;
	message = output_of(STDERR_FILENO, attempt_run, &a);
	assert_false(a.ok);
	assert_null(strchr(message, '\x1b'));
	assert_non_null(strstr(message, "'?[2J?1'"));
	free(message);
	attempt_done(&a);
}

static void print_help(void *context)
{
	(void)context;
	options_print_help();
}

static void print_list(void *context)
{
	(void)context;
	options_print_list();
}

static void options_print_help__terminal_of_80_columns__fits(void **state)
{
	char *help = output_of(STDOUT_FILENO, print_help, NULL);
	char *line, *rest;

	(void)state;
	assert_non_null(strstr(help, "-p, --pid PID"));
	assert_non_null(strstr(help, "--leak-window SECONDS"));
	assert_non_null(strstr(help, "changes the process"));
	assert_null(strstr(help, "--percpu"));
	for (line = strtok_r(help, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strlen(line) > 80)
			fail_msg("too wide: %s", line);
	free(help);
}

/* Whole words only: --csv is not in "--csv-blocks". */
static bool has_word(const char *text, const char *word)
{
	const size_t length = strlen(word);
	const char *at;

	for (at = strstr(text, word); at; at = strstr(at + 1, word)) {
		char before = at == text ? ' ' : at[-1], after = at[length];

		if (!isalnum((unsigned char)before) && before != '-' &&
		    !isalnum((unsigned char)after) && after != '-')
			return true;
	}
	return false;
}

static void remove_backslashes(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != '\\')
			*to++ = *text;
	*to = '\0';
}

/* Calls `check` with each "-x" and "--name" of the table. */
static void for_each_option(void (*check)(const char *word, const char *context),
			    const char *context)
{
	char *list = output_of(STDOUT_FILENO, print_list, NULL);
	char *line, *rest;
	size_t count = 0;

	for (line = strtok_r(list, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *tab = strchr(line, '\t'), *end;

		assert_non_null(tab);
		end = strchr(tab + 1, '\t');
		assert_non_null(end);
		*tab = *end = '\0';
		if (*line)
			check(line, context);
		check(tab + 1, context);
		count++;
	}
	assert_true(count > 20);
	free(list);
}

static void check_word(const char *word, const char *text)
{
	if (!has_word(text, word))
		fail_msg("there is no %s", word);
}

static void options_list__manual_page__has_every_option(void **state)
{
	char *man = read_path("docs/tracer.8");

	(void)state;
	remove_backslashes(man);
	for_each_option(check_word, man);
	free(man);
}

/* The options that the completion offers: its variable `options`. */
static char *completion_options(void)
{
	static const char start[] = "local options=\"";
	char *text = read_path("scripts/tracer.bash");
	char *from = strstr(text, start), *end;

	assert_non_null(from);
	from += sizeof(start) - 1;
	end = strchr(from, '"');
	assert_non_null(end);
	*end = '\0';
	memmove(text, from, strlen(from) + 1);
	return text;
}

static void options_list__completion__has_every_option_and_no_other(void **state)
{
	char *offered = completion_options();
	char *list = output_of(STDOUT_FILENO, print_list, NULL);
	char *word, *rest;

	(void)state;
	for_each_option(check_word, offered);
	for (word = strtok_r(offered, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest))
		if (!has_word(list, word))
			fail_msg("the completion offers %s, which is no option", word);
	free(list);
	free(offered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_parse__pid_only__defaults),
		cmocka_unit_test(options_parse__pid_lists__collected_once_each),
		cmocka_unit_test(options_parse__all_values__stored),
		cmocka_unit_test(options_parse__interval_and_count__anywhere_before_the_command),
		cmocka_unit_test(options_parse__command_after_dashes__its_own_argv),
		cmocka_unit_test(options_parse__command_string__through_the_shell),
		cmocka_unit_test(options_parse__modes__no_target_needed),
		cmocka_unit_test(options_parse__bad_values__refused_by_name),
		cmocka_unit_test(options_parse__contradictions__both_named),
		cmocka_unit_test(options_parse__unknown_and_incomplete__refused_by_name),
		cmocka_unit_test(options_parse__recordings__stored),
		cmocka_unit_test(options_parse__recordings_and_live__both_named),
		cmocka_unit_test(options_parse__letters_of_memleak__say_what_to_use),
		cmocka_unit_test(options_parse__hostile_argument__one_clean_line),
		cmocka_unit_test(options_print_help__terminal_of_80_columns__fits),
		cmocka_unit_test(options_list__manual_page__has_every_option),
		cmocka_unit_test(options_list__completion__has_every_option_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
