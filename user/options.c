/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line. ROWS is the only list of options: the getopt tables, the values' checks,
 * --help, the completion and the test of the manual page come from it. Input is argv, read with
 * getopt_long in order ("-" in the option string), so INTERVAL and COUNT may stand anywhere before
 * "--" and everything behind it is the command. Options that this version does not have, and those
 * of memleak that it will not have, are rows as well: their help text says what to use instead.
 * Invariant: after `true` all values are in their range and no two options contradict each other;
 * after `false` exactly one line was written.
 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "option_value.h"
#include "options_check.h"
#include "base/log.h"
#include "base/units.h"
#include "base/xalloc.h"
#include "export/output_path.h"

/* getopt_long's values of the long options; letters are below. */
#define LONG_FIRST 256

#define AT(field) offsetof(struct options, field)
#define NO_FIELD  0, 0

/* clang-format off */
static const struct option_row rows[] = {
	{'p', "pid", "PID[,PID...]", GROUP_TARGET, KIND_PIDS, NO_FIELD,
	 "attach to these running processes"},
	{'n', "name", "NAME", GROUP_TARGET, KIND_TEXT, AT(name), 0,
	 "attach to every process of this name, also to those started later"},
	{'c', "command", "STRING", GROUP_TARGET, KIND_COMMAND, NO_FIELD,
	 "start this command, words split as a shell does; like '-- COMMAND'"},
	{'u', "user", "NAME", GROUP_TARGET, KIND_TEXT, AT(user), 0,
	 "run the command as this user (default: the user who called sudo)"},
	{'f', "follow", NULL, GROUP_TARGET, KIND_FOLLOW, AT(follow), 0,
	 "trace children too; each is held for a moment (ptrace) at its fork and "
	 "exec (default for a command and -n)"},
	{0, "no-follow", NULL, GROUP_TARGET, KIND_NO_FOLLOW, AT(follow), 0,
	 "do not trace children (default for -p)"},
	{'O', "object", "PATH", GROUP_TARGET, KIND_LIST, AT(objects), AT(object_count),
	 "also treat PATH as an allocator library; repeatable"},

	{'z', "min-size", "N", GROUP_RECORD, KIND_SIZE, AT(min_bytes), 0,
	 "only allocations of at least N bytes; k, M, G accepted"},
	{'Z', "max-size", "N", GROUP_RECORD, KIND_SIZE, AT(max_bytes), 0,
	 "only allocations of at most N bytes"},
	{0, "mmap", NULL, GROUP_RECORD, KIND_FLAG, AT(mmap), 0,
	 "also trace mmap, munmap and mremap, as a class of their own"},
	{'s', "sample", "BYTES", GROUP_RECORD, KIND_SIZE, AT(sample_bytes), 0,
	 "record a random sample, one per BYTES on average; figures are scaled back (default: off)"},
	{0, "max-overhead", "PERCENT", GROUP_RECORD, KIND_PERCENT, AT(max_overhead), 0,
	 "keep the estimated cost below this share of the targets' processor time: trace in time "
	 "windows and scale figures (default: no limit)"},
	{'r', "read", "FILE", GROUP_TARGET, KIND_FILE, AT(read), 0,
	 "read a recording (-w) instead of a process; no root needed"},

	{'i', "interval", "SECONDS", GROUP_REPORT, KIND_INTERVAL, AT(interval_s), 0,
	 "time between two reports and CSV snapshots; also the argument INTERVAL "
	 "(default: 1 on the screen, 5 in batch mode)"},
	{'d', "duration", "SECONDS", GROUP_REPORT, KIND_SECONDS, AT(duration_s), 0,
	 "stop after this long"},
	{'T', "top", "N", GROUP_REPORT, KIND_COUNT, AT(top), 0,
	 "call sites in a report (default: 10)"},
	{0, "sort", "KEY", GROUP_REPORT, KIND_SORT, NO_FIELD,
	 "outstanding, count, growth, score, rate, oldest, peak or at-peak (default: outstanding)"},
	{'o', "older", "MS", GROUP_REPORT, KIND_MS, AT(older_ms), 0,
	 "only outstanding blocks at least this many milliseconds old"},
	{'a', "show-allocs", NULL, GROUP_REPORT, KIND_FLAG, AT(show_allocs), 0,
	 "list each outstanding block under its stack"},
	{0, "skip", "REGEX", GROUP_REPORT, KIND_REGEX, AT(skips), AT(skip_count),
	 "functions never taken as a site's function, such as xmalloc; repeatable"},
	{'b', "batch", NULL, GROUP_REPORT, KIND_FLAG, AT(batch), 0,
	 "text reports on stdout, no screen (default without a terminal and with a command)"},
	{0, "live", NULL, GROUP_REPORT, KIND_FLAG, AT(live), 0,
	 "the screen, also with a command; redirect the command's output"},

	{0, "csv", "FILE", GROUP_OUTPUT, KIND_FILE, AT(files[FORMAT_CSV]), 0,
	 "CSV of the call sites, at every interval"},
	{0, "csv-blocks", "FILE", GROUP_OUTPUT, KIND_FILE, AT(files[FORMAT_CSV_BLOCKS]), 0,
	 "CSV of the outstanding blocks, at the end"},
	{0, "csv-timeline", "FILE", GROUP_OUTPUT, KIND_FILE, AT(files[FORMAT_CSV_TIMELINE]), 0,
	 "CSV of the totals of each process, at every interval"},
	{'w', "write", "FILE", GROUP_OUTPUT, KIND_FILE, AT(write), 0,
	 "record all events, to be read again with -r"},
	{0, "max-file-size", "SIZE", GROUP_OUTPUT, KIND_SIZE, AT(max_file_bytes), 0,
	 "bound of the recording: when it is full, totals take the place of events"},
	{0, "json", "FILE", GROUP_OUTPUT, KIND_FILE, AT(files[FORMAT_JSON]), 0,
	 "all facts as JSON, one object a line at every interval"},
	{0, "folded", "FILE", GROUP_OUTPUT, KIND_FILE, AT(files[FORMAT_FOLDED]), 0,
	 "folded stacks for flame graphs, at the end"},
	{0, "folded-value", "KEY", GROUP_OUTPUT, KIND_FOLDED, NO_FIELD,
	 "outstanding (bytes), allocated (bytes), count or temporary (allocations) (default: outstanding)"},
	{0, "pprof", "FILE", GROUP_OUTPUT, KIND_FILE, AT(files[FORMAT_PPROF]), 0,
	 "heap profile for pprof, at the end"},
	{0, "html", "FILE", GROUP_OUTPUT, KIND_FILE, AT(files[FORMAT_HTML]), 0,
	 "a page for a browser, at the end: timeline, call sites, flame graph"},
	{0, "metrics", "[ADDR:]PORT", GROUP_OUTPUT, KIND_LISTEN, AT(metrics), 0,
	 "OpenMetrics for Prometheus at http://ADDR:PORT/metrics while running (default: 127.0.0.1)"},
	{0, "csv-go", "FILE", GROUP_OUTPUT, KIND_FILE, AT(files[FORMAT_CSV_GO]), 0, "CSV of what Go runtimes count, at every interval"},

	{0, "leak-window", "SECONDS", GROUP_LEAK, KIND_INTERVAL, AT(leak_window_s), 0,
	 "how far back growth is measured (default: 30)"},
	{0, "leak-interval", "SECONDS", GROUP_LEAK, KIND_INTERVAL, AT(leak_interval_s), 0,
	 "time between two samples (default: 1)"},
	{0, "leak-threshold", "RATIO", GROUP_LEAK, KIND_RATIO, AT(leak_threshold), 0,
	 "growth within the window, as a part of the site's bytes, that counts (default: 0.1)"},
	{0, "alert", "RULE", GROUP_LEAK, KIND_ALERT, NO_FIELD,
	 "say when a figure of a process crosses a limit: outstanding, growth, rss, rate, leaks or lost; > >= < <=; "
	 "such as 'outstanding>500M', 'growth>1M/s', 'leaks>0'; repeatable"},
	{0, "on-alert", "COMMAND", GROUP_LEAK, KIND_TEXT, AT(on_alert), 0,
	 "run it by sh when a rule fires, once per crossing; facts are in TRACER_* variables"},
	{0, "baseline", "SECONDS", GROUP_LEAK, KIND_SECONDS, AT(baseline_s), 0,
	 "reports show the change since so long after the start; CSV stays absolute"},
	{0, "diff", "A B", GROUP_LEAK, KIND_DIFF, NO_FIELD,
	 "compare two recordings or files of --csv instead of tracing: what grew, shrank, came "
	 "and went, by call site; --csv, --json, --folded, --pprof and --html write it"},
	{0, "pools", NULL, GROUP_LEAK, KIND_FLAG, AT(pools), 0,
	 "also report the sites that a pool or a buffer used again would relieve"},
	{0, "go-pool-share", "PERCENT", GROUP_LEAK, KIND_PERCENT, AT(go_pool_percent), 0,
	 "count the calls of sync.Pool in Go programs for this share of the time at most (default: a second a minute, "
	 "with --pools or a screen)"},
	{0, "suppress", "FILE", GROUP_LEAK, KIND_SUPPRESS, NO_FIELD,
	 "suppressions as for LeakSanitizer (leak:PATTERN): such sites get no verdict"},
	{0, "go-workload", "KIND", GROUP_LEAK, KIND_WORKLOAD, NO_FIELD, "advise GOGC and GOMEMLIMIT for high-throughput, low-latency or memory-constrained work"},
	{0, "go-enable-profile", NULL, GROUP_LEAK, KIND_FLAG, AT(go_enable_profile), 0,
	 "switch on the heap profile of Go runtimes that keep none: changes the process (8 bytes, "
	 "MemProfileRate), undone at the end"},

	{0, "attach-method", "METHOD", GROUP_OTHER, KIND_METHOD, NO_FIELD,
	 "session, multi or perf (default: the best that works)"},
	{0, "dry-run", NULL, GROUP_OTHER, KIND_FLAG, AT(dry_run), 0,
	 "say what would be probed, where and why; attach nothing"},
	{0, "check", NULL, GROUP_OTHER, KIND_CHECK, NO_FIELD,
	 "say which kernel features and privileges are there, and what each lack costs"},
	{'v', "verbose", NULL, GROUP_OTHER, KIND_FLAG, AT(verbose), 0, "more messages"},
	{'q', "quiet", NULL, GROUP_OTHER, KIND_FLAG, AT(quiet), 0, "only errors and the summary"},
	{'V', "version", NULL, GROUP_OTHER, KIND_VERSION, NO_FIELD, "print the version"},
	{'h', "help", NULL, GROUP_OTHER, KIND_HELP, NO_FIELD, "print this help"},

	{'t', "trace", NULL, GROUP_OTHER, KIND_MEMLEAK, NO_FIELD,
	 "--csv-timeline FILE has figures over time, -v more messages"},
	{'C', "combined-only", NULL, GROUP_OTHER, KIND_MEMLEAK, NO_FIELD,
	 "not needed, totals of each call site are always kept"},
	{'F', "wa-missing-free", NULL, GROUP_OTHER, KIND_MEMLEAK, NO_FIELD,
	 "not needed, missed frees are noticed and counted"},
	{'S', "symbols-prefix", NULL, GROUP_OTHER, KIND_MEMLEAK, NO_FIELD,
	 "not needed, allocators are found by themselves; -O PATH adds one"},
	{'P', "percpu", NULL, GROUP_OTHER, KIND_MEMLEAK, NO_FIELD,
	 "not needed, only allocations of processes are traced, not the kernel's"},
};
/* clang-format on */

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

struct parser {
	struct options *o;
	/* How the option was written, for messages; NULL: not given. */
	const char *given[ROW_COUNT];
	const char *positionals[2];
	size_t positional_count;
	bool done; /* --help or --version: nothing after it is read */
};

const struct option_row *option_rows(size_t *count)
{
	*count = ROW_COUNT;
	return rows;
}

static const struct option_row *row_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < ROW_COUNT; i++)
		if (rows[i].name && !strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* Of what getopt_long returns or leaves in optopt. */
static const struct option_row *row_by_value(int value)
{
	size_t i;

	if (value >= LONG_FIRST && (size_t)(value - LONG_FIRST) < ROW_COUNT)
		return &rows[value - LONG_FIRST];
	for (i = 0; i < ROW_COUNT; i++)
		if (rows[i].letter && rows[i].letter == value)
			return &rows[i];
	return NULL;
}

/* Hidden ones take an optional argument: whether or not it was written, their own message comes. */
static void build_getopt_tables(struct option longs[ROW_COUNT + 1], char letters[3 * ROW_COUNT + 3])
{
	char *next = letters;
	size_t i, count = 0;

	/* '-': everything in order; ':': a missing argument is told from an unknown option. */
	*next++ = '-';
	*next++ = ':';
	memset(longs, 0, (ROW_COUNT + 1) * sizeof(*longs));
	for (i = 0; i < ROW_COUNT; i++) {
		const struct option_row *row = &rows[i];
		int has = option_is_hidden(row) ? optional_argument
						: (row->argument ? required_argument : no_argument);

		if (row->name)
			longs[count++] = (struct option){row->name, has, NULL, LONG_FIRST + (int)i};
		if (!row->letter)
			continue;
		*next++ = row->letter;
		if (has != no_argument)
			*next++ = ':';
		if (has == optional_argument)
			*next++ = ':';
	}
	*next = '\0';
}

static bool bad_option(int result, char **argv)
{
	const struct option_row *row = row_by_value(optopt);

	if (result == ':' && row)
		log_error("option --%s needs an argument: --%s %s", row->name, row->name,
			  row->argument);
	else if (row)
		log_error("option --%s takes no argument: write it without '='", row->name);
	else if (optopt)
		log_error("there is no option '-%c': tracer --help lists all", optopt);
	else
		log_error("there is no option '%s', or several begin so: tracer --help lists all",
			  argv[optind - 1]);
	return false;
}

static bool add_positional(struct parser *p, const char *text)
{
	double seconds;

	if (p->o->diff[0] && !p->o->diff[1]) {
		p->o->diff[1] = text;
		return true;
	}
	if (!p->positional_count && !units_parse_double(text, &seconds)) {
		log_error("cannot use '%s' as INTERVAL: write seconds, or a command after --, such "
			  "as tracer -- %s",
			  text, text);
		return false;
	}
	if (p->positional_count == 2) {
		log_error(
			"cannot use '%s': only INTERVAL and COUNT may be given without an option, "
			"and a command after --",
			text);
		return false;
	}
	p->positionals[p->positional_count++] = text;
	return true;
}

static bool add_option(struct parser *p, const struct option_row *row, const char *text)
{
	size_t i = (size_t)(row - rows);

	if (!option_value_parse(p->o, row, text, p->given[i] != NULL))
		return false;
	p->given[i] = text ? text : "";
	p->done = row->kind == KIND_HELP || row->kind == KIND_VERSION;
	return true;
}

static bool add_command(struct parser *p, char **argv)
{
	if (!argv[0]) {
		log_error("cannot start a command: nothing follows --; write tracer -- COMMAND "
			  "ARG...");
		return false;
	}
	if (p->o->command) {
		log_error("cannot use --command together with -- %s: give one command", argv[0]);
		return false;
	}
	p->o->command = argv;
	return true;
}

/* Leaves at the first error, at --help and --version, and behind "--". */
static bool read_arguments(struct parser *p, int argc, char **argv)
{
	struct option longs[ROW_COUNT + 1];
	char letters[3 * ROW_COUNT + 3];
	int result, before;

	build_getopt_tables(longs, letters);
	optind = 0; /* starts anew, also when another argv was read before */
	opterr = 0;
	for (;;) {
		before = optind ? optind : 1;
		result = getopt_long(argc, argv, letters, longs, NULL);
		if (result == -1)
			break;
		if (result == '?' || result == ':')
			return bad_option(result, argv);
		if (result == 1 ? !add_positional(p, optarg)
				: !add_option(p, row_by_value(result), optarg))
			return false;
		if (p->done)
			return true;
	}
	/* The end of argv leaves optind alone, "--" is stepped over. */
	return optind == before || add_command(p, argv + optind);
}

static bool is_given(const void *parser, const char *name)
{
	const struct parser *p = parser;

	return p->given[row_by_name(name) - rows];
}

static bool read_positionals(struct parser *p)
{
	const struct option_row *interval = row_by_name("interval");
	const char *text = p->positionals[0];
	double before = p->o->interval_s;
	uint64_t count;

	if (!text)
		return true;
	if (!option_value_parse(p->o, interval, text, false))
		return false;
	if (is_given(p, "interval") && (p->o->interval_s < before || p->o->interval_s > before)) {
		log_error("cannot use INTERVAL %s together with --interval %s: give one of them",
			  text, p->given[interval - rows]);
		return false;
	}
	text = p->positionals[1];
	if (!text)
		return true;
	if (!units_parse_u64(text, &count) || !count) {
		log_error("cannot use '%s' as COUNT: write how many reports are wanted, from 1",
			  text);
		return false;
	}
	p->o->report_count = count;
	return true;
}

/* One sample per byte is every allocation. */
static bool finish(const struct parser *p)
{
	struct options *o = p->o;

	if (o->sample_bytes == 1)
		o->sample_bytes = 0;
	o->leak_window_given = is_given(p, "leak-window");
	o->leak_interval_given = is_given(p, "leak-interval");
	o->leak_threshold_given = is_given(p, "leak-threshold");
	return true;
}

bool options_parse(struct options *o, int argc, char **argv)
{
	struct parser p = {.o = o};
	struct options_given check;

	*o = (struct options){
		.follow = -1,
		.max_bytes = UINT64_MAX,
		.top = 10,
		.leak_window_s = 30,
		.leak_interval_s = 1,
		.leak_threshold = 0.1,
	};
	if (!read_arguments(&p, argc, argv))
		return false;
	if (p.done)
		return true;
	check = (struct options_given){
		.o = o, .is_given = is_given, .parser = &p, .positional = p.positionals[0]};
	return read_positionals(&p) && options_check(&check) && finish(&p);
}

bool options_filter(const struct options *o)
{
	return o->min_bytes || (o->max_bytes && o->max_bytes != UINT64_MAX);
}

bool options_to_stdout(const struct options *o)
{
	size_t i;

	for (i = 0; i < FORMATS; i++) {
		if (o->files[i] && output_path_descriptor(o->files[i]) == STDOUT_FILENO)
			return true;
	}
	return o->write && output_path_descriptor(o->write) == STDOUT_FILENO;
}

void options_done(struct options *o)
{
	size_t i;

	if (!o)
		return;
	free(o->pids);
	free(o->objects);
	free(o->skips);
	free(o->alerts);
	suppressions_free(o->suppressions);
	for (i = 0; o->shell_argv && o->shell_argv[i]; i++)
		free(o->shell_argv[i]);
	free(o->shell_argv);
	*o = (struct options){0};
}

bool options_follow(const struct options *o)
{
	return o->follow >= 0 ? o->follow : o->command || o->name;
}
