/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may stand behind an option: one function for each kind of value, which checks it against its
 * range and stores it in struct options. Input is text from the command line. Invariant: a value is
 * stored only when it is valid, and an option that is given again must have the same value (lists
 * and process ids collect instead).
 */
#include "option_value.h"

#include <limits.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "suppress_file.h"
#include "base/log.h"
#include "base/units.h"
#include "base/xalloc.h"
#include "export/folded.h"
#include "export/listen_address.h"

/* Bounds that keep every product with nanoseconds inside 64 bits. */
#define MAX_SECONDS  1e9
#define MIN_INTERVAL 0.01
#define MAX_MS	     1000000000000ull
#define MAX_COUNT    1000000000ull
#define MAX_RATIO    1e6

static void *field(struct options *o, size_t offset)
{
	return (char *)o + offset;
}

static bool bad_value(const struct option_row *row, const char *text, const char *what,
		      const char *advice)
{
	log_error("cannot use '%s' as %s for --%s: %s", text, what, row->name, advice);
	return false;
}

static bool given_twice(const struct option_row *row, const char *text)
{
	log_error(
		"cannot use --%s twice with different values, the second is '%s': keep one of them",
		row->name, text);
	return false;
}

static bool set_u64(struct options *o, const struct option_row *row, const char *text, bool again,
		    uint64_t value)
{
	uint64_t *slot = field(o, row->offset);

	if (again && *slot != value)
		return given_twice(row, text);
	*slot = value;
	return true;
}

static bool set_double(struct options *o, const struct option_row *row, const char *text,
		       bool again, double value)
{
	double *slot = field(o, row->offset);

	/* Neither less nor greater: == on floating point would be a warning to readers. */
	if (again && (*slot < value || *slot > value))
		return given_twice(row, text);
	*slot = value;
	return true;
}

static bool set_flag(struct options *o, const struct option_row *row)
{
	bool *slot = field(o, row->offset);

	*slot = true;
	return true;
}

static bool set_int(struct options *o, const struct option_row *row, int value)
{
	int *slot = field(o, row->offset);

	*slot = value;
	return true;
}

static bool parse_text(struct options *o, const struct option_row *row, const char *text,
		       bool again)
{
	const char **slot = field(o, row->offset);

	if (!*text)
		return bad_value(row, text, row->argument, "it is empty");
	if (again && strcmp(*slot, text) != 0)
		return given_twice(row, text);
	*slot = text;
	return true;
}

static bool parse_file(struct options *o, const struct option_row *row, const char *text,
		       bool again)
{
	/* `--csv --live` is a forgotten FILE far more often than a file called --live. */
	if (text[0] == '-' && text[1])
		return bad_value(
			row, text, "a file",
			"it looks like an option; write ./ before such a name, or - for stdout");
	return parse_text(o, row, text, again);
}

static bool parse_listen(struct options *o, const struct option_row *row, const char *text,
			 bool again)
{
	struct listen_address a;
	const char *reason;

	if (!listen_address_parse(&a, text, &reason))
		return bad_value(row, text, "a place to listen", reason);
	return parse_text(o, row, text, again);
}

static bool parse_list(struct options *o, const struct option_row *row, const char *text)
{
	const char ***list = field(o, row->offset);
	size_t *count = field(o, row->count_offset);

	if (!*text)
		return bad_value(row, text, row->argument, "it is empty");
	*list = xrealloc(*list, (*count + 1) * sizeof(**list));
	(*list)[(*count)++] = text;
	return true;
}

static bool parse_regex(struct options *o, const struct option_row *row, const char *text)
{
	char reason[100];
	regex_t regex;
	int err;

	err = regcomp(&regex, text, REG_EXTENDED | REG_NOSUB);
	if (err) {
		regerror(err, &regex, reason, sizeof(reason));
		return bad_value(row, text, "an extended regular expression", reason);
	}
	regfree(&regex);
	return parse_list(o, row, text);
}

static bool parse_size(struct options *o, const struct option_row *row, const char *text,
		       bool again)
{
	uint64_t value;

	if (!units_parse_size(text, &value))
		return bad_value(row, text, "a size", "write a number with k, M or G, such as 4k");
	return set_u64(o, row, text, again, value);
}

static bool parse_ms(struct options *o, const struct option_row *row, const char *text, bool again)
{
	uint64_t value;

	if (!units_parse_u64(text, &value) || value > MAX_MS)
		return bad_value(row, text, "milliseconds",
				 "write a whole number, such as 5000 for 5 seconds");
	return set_u64(o, row, text, again, value);
}

static bool parse_count(struct options *o, const struct option_row *row, const char *text,
			bool again)
{
	uint64_t value;

	if (!units_parse_u64(text, &value) || !value || value > MAX_COUNT)
		return bad_value(row, text, "a number", "write a whole number from 1, such as 20");
	return set_u64(o, row, text, again, value);
}

static bool parse_seconds(struct options *o, const struct option_row *row, const char *text,
			  bool again, double least)
{
	double value;

	if (!units_parse_double(text, &value) || !(value > 0) || value > MAX_SECONDS)
		return bad_value(row, text, "seconds", "write a number above 0, such as 10 or 0.5");
	if (value < least)
		return bad_value(row, text, "seconds", "the shortest interval is 0.01");
	return set_double(o, row, text, again, value);
}

static bool parse_ratio(struct options *o, const struct option_row *row, const char *text,
			bool again)
{
	double value;

	if (!units_parse_double(text, &value) || value > MAX_RATIO)
		return bad_value(row, text, "a ratio", "write a number such as 0.1 for 10 percent");
	return set_double(o, row, text, again, value);
}

static bool parse_percent(struct options *o, const struct option_row *row, const char *text,
			  bool again)
{
	double value;

	if (!units_parse_double(text, &value) || !(value > 0))
		return bad_value(row, text, "percent",
				 "write a number above 0, such as 5; 100 is no limit");
	return set_double(o, row, text, again, value);
}

static void add_pid(struct options *o, pid_t pid)
{
	size_t i;

	/* Lists come from pidof and the like: a process named twice is traced once. */
	for (i = 0; i < o->pid_count; i++)
		if (o->pids[i] == pid)
			return;
	o->pids = xrealloc(o->pids, (o->pid_count + 1) * sizeof(*o->pids));
	o->pids[o->pid_count++] = pid;
}

static bool parse_pids(struct options *o, const struct option_row *row, const char *text)
{
	const char *rest = text;

	for (;;) {
		size_t length = strcspn(rest, ",");
		char number[16];
		uint64_t pid;

		snprintf(number, sizeof(number), "%.*s", (int)(length < 15 ? length : 15), rest);
		if (!units_parse_u64(number, &pid) || !pid || pid > INT_MAX)
			return bad_value(row, text, "process ids",
					 "write numbers from 1 with commas between them, such as "
					 "1234,1240; -n finds processes by name");
		add_pid(o, (pid_t)pid);
		if (!rest[length])
			return true;
		rest += length + 1;
	}
}

static bool parse_command(struct options *o, const struct option_row *row, const char *text,
			  bool again)
{
	if (!text[strspn(text, " \t\n")])
		return bad_value(row, text, "a command", "it is empty");
	if (again) {
		log_error("cannot start two commands, the second is '%s': give one", text);
		return false;
	}
	o->shell_argv = xcalloc(4, sizeof(*o->shell_argv));
	o->shell_argv[0] = xstrdup("sh");
	o->shell_argv[1] = xstrdup("-c");
	o->shell_argv[2] = xasprintf("exec %s", text);
	o->command = o->shell_argv;
	return true;
}

static bool parse_sort(struct options *o, const struct option_row *row, const char *text,
		       bool again)
{
	enum sort_key key;

	if (!sort_key_parse(text, &key))
		return bad_value(
			row, text, "a sort key",
			"write outstanding, count, growth, score, rate, oldest, peak or at-peak");
	if (again && o->sort != key)
		return given_twice(row, text);
	o->sort = key;
	return true;
}

static bool parse_folded(struct options *o, const struct option_row *row, const char *text,
			 bool again)
{
	enum folded_value value;

	if (!folded_value_parse(text, &value))
		return bad_value(row, text, "a value",
				 "write outstanding, allocated, count or temporary");
	if (again && o->folded_value != value)
		return given_twice(row, text);
	o->folded_value = value;
	return true;
}

static bool parse_method(struct options *o, const struct option_row *row, const char *text,
			 bool again)
{
	static const char *const names[] = {
		[METHOD_SESSION] = "session", [METHOD_MULTI] = "multi", [METHOD_PERF] = "perf"};
	size_t i;

	for (i = METHOD_SESSION; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		if (again && o->method != (enum attach_method)i)
			return given_twice(row, text);
		o->method = (enum attach_method)i;
		return true;
	}
	return bad_value(row, text, "a way of attaching", "write session, multi or perf");
}

static bool parse_workload(struct options *o, const struct option_row *row, const char *text,
			   bool again)
{
	enum go_workload workload;

	if (!go_workload_parse(text, &workload))
		return bad_value(row, text, "a kind of work",
				 "write high-throughput, low-latency or memory-constrained");
	if (again && o->go_workload != workload)
		return given_twice(row, text);
	o->go_workload = workload;
	return true;
}

static bool parse_alert(struct options *o, const struct option_row *row, const char *text)
{
	struct alert_rule rule;
	const char *advice;

	if (!alert_rule_parse(text, &rule, &advice))
		return bad_value(row, text, "a rule", advice);
	if (o->alert_count == ALERT_RULES_MAX)
		return bad_value(row, text, "one more rule", "64 are the most");
	o->alerts = xrealloc(o->alerts, (o->alert_count + 1) * sizeof(*o->alerts));
	o->alerts[o->alert_count++] = rule;
	return true;
}

static bool parse_suppress(struct options *o, const struct option_row *row, const char *text,
			   bool again)
{
	if (again) {
		log_error("cannot use --suppress twice, the second is '%s': write all patterns "
			  "into one file",
			  text);
		return false;
	}
	if (!*text)
		return bad_value(row, text, row->argument, "it is empty");
	o->suppressions = suppress_file_read(text);
	return o->suppressions != NULL;
}

static bool set_mode(struct options *o, enum options_mode mode)
{
	o->mode = mode;
	return true;
}

static bool parse_diff(struct options *o, const struct option_row *row, const char *text,
		       bool again)
{
	if (again)
		return given_twice(row, text);
	o->diff[0] = text;
	return set_mode(o, MODE_DIFF);
}

static bool refuse(const struct option_row *row)
{
	log_error("option -%c (--%s) is an option of memleak: %s", row->letter, row->name,
		  row->help);
	return false;
}

bool option_value_parse(struct options *o, const struct option_row *row, const char *text,
			bool again)
{
	switch (row->kind) {
	case KIND_FLAG: return set_flag(o, row);
	case KIND_FOLLOW: return set_int(o, row, 1);
	case KIND_NO_FOLLOW: return set_int(o, row, 0);
	case KIND_TEXT: return parse_text(o, row, text, again);
	case KIND_FILE: return parse_file(o, row, text, again);
	case KIND_LISTEN: return parse_listen(o, row, text, again);
	case KIND_LIST: return parse_list(o, row, text);
	case KIND_REGEX: return parse_regex(o, row, text);
	case KIND_SIZE: return parse_size(o, row, text, again);
	case KIND_MS: return parse_ms(o, row, text, again);
	case KIND_COUNT: return parse_count(o, row, text, again);
	case KIND_SECONDS: return parse_seconds(o, row, text, again, 0);
	case KIND_INTERVAL: return parse_seconds(o, row, text, again, MIN_INTERVAL);
	case KIND_PERCENT: return parse_percent(o, row, text, again);
	case KIND_RATIO: return parse_ratio(o, row, text, again);
	case KIND_PIDS: return parse_pids(o, row, text);
	case KIND_COMMAND: return parse_command(o, row, text, again);
	case KIND_SORT: return parse_sort(o, row, text, again);
	case KIND_METHOD: return parse_method(o, row, text, again);
	case KIND_FOLDED: return parse_folded(o, row, text, again);
	case KIND_WORKLOAD: return parse_workload(o, row, text, again);
	case KIND_ALERT: return parse_alert(o, row, text);
	case KIND_SUPPRESS: return parse_suppress(o, row, text, again);
	case KIND_DIFF: return parse_diff(o, row, text, again);
	case KIND_CHECK: return set_mode(o, MODE_CHECK);
	case KIND_HELP: return set_mode(o, MODE_HELP);
	case KIND_VERSION: return set_mode(o, MODE_VERSION);
	case KIND_MEMLEAK: return refuse(row);
	}
	return false;
}
