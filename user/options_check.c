/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that contradict each other, or lack another: each has a line that names them and what to do instead. */
#include "options_check.h"

#include <unistd.h>

#include "base/log.h"
#include "export/output_path.h"

/* Sums of what samples stand for must not overflow. */
#define SAMPLE_MOST (1ull << 40)

/* What is said about processes that run means nothing for what was recorded. */
static bool check_live_only(const struct options_given *p, const char *mode)
{
	static const char *const live_only[] = {"pid",	   "name",	    "command",
						"user",	   "follow",	    "no-follow",
						"object",  "min-size",	    "max-size",
						"mmap",	   "sample",	    "max-overhead",
						"write",   "max-file-size", "attach-method",
						"dry-run", "check",	    "go-enable-profile"};
	size_t i;

	for (i = 0; i < sizeof(live_only) / sizeof(live_only[0]); i++) {
		if (!p->is_given(p->parser, live_only[i]))
			continue;
		log_error("cannot use --%s together with --%s: it is about a process that runs; "
			  "leave one of them out",
			  live_only[i], mode);
		return false;
	}
	if (!p->o->command)
		return true;
	log_error("cannot use -- %s together with --%s: leave one of them out", p->o->command[0],
		  mode);
	return false;
}

static bool check_diff(const struct options_given *p)
{
	static const char two_ends[] = "two ends are compared, nothing between";
	static const struct {
		const char *name, *why;
	} others[] = {
		{"read", two_ends},
		{"csv-blocks", two_ends},
		{"csv-timeline", two_ends},
		{"csv-go", two_ends},
		{"interval", two_ends},
		{"duration", two_ends},
		{"live", two_ends},
		{"metrics", "they are served while processes run, and a difference is made once; "
			    "use --json FILE"},
	};
	size_t i;

	if (!p->o->diff[1]) {
		log_error("option --diff needs two arguments: --diff A B");
		return false;
	}
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (!p->is_given(p->parser, others[i].name))
			continue;
		log_error("cannot use --%s together with --diff: %s; leave one of them out",
			  others[i].name, others[i].why);
		return false;
	}
	return check_live_only(p, "diff");
}

static bool check_recordings(const struct options_given *p)
{
	if (p->o->max_file_bytes && !p->o->write) {
		log_error("cannot use --max-file-size without --write: it bounds the recording");
		return false;
	}
	if (p->o->max_file_bytes && p->o->max_file_bytes < 1 << 20) {
		log_error("cannot use --max-file-size %llu: a recording needs 1M at least",
			  (unsigned long long)p->o->max_file_bytes);
		return false;
	}
	if (p->o->mode == MODE_DIFF)
		return check_diff(p);
	return !p->o->read || check_live_only(p, "read");
}

static bool check_pairs(const struct options_given *p)
{
	static const struct {
		const char *a, *b, *advice;
	} pairs[] = {
		{"pid", "name", "start the tracer once for each"},
		{"follow", "no-follow", "give one of them"},
		{"batch", "live", "give one of them"},
		{"quiet", "verbose", "give one of them"},
		{"baseline", "older", "the age of blocks says what is new"},
	};
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (!p->is_given(p->parser, pairs[i].a) || !p->is_given(p->parser, pairs[i].b))
			continue;
		log_error("cannot use --%s together with --%s: %s", pairs[i].a, pairs[i].b,
			  pairs[i].advice);
		return false;
	}
	return true;
}

static bool check_target(const struct options_given *p)
{
	const struct options *o = p->o;
	const char *command = o->shell_argv ? "--command" : "-- COMMAND";

	if (o->command && (o->pid_count || o->name)) {
		log_error(
			"cannot use --%s together with %s: attach to what runs, or start something",
			o->name ? "name" : "pid", command);
		return false;
	}
	if (o->user && !o->command) {
		log_error("cannot use --user without a command: write tracer -u %s -- COMMAND",
			  o->user);
		return false;
	}
	if (o->command || o->pid_count || o->name || o->read || o->mode != MODE_TRACE)
		return true;
	if (p->positional)
		log_error("no target: write tracer -p %s if '%s' is a process, or -n NAME, or -- "
			  "COMMAND",
			  p->positional, p->positional);
	else
		log_error(
			"no target: write tracer -p PID, -n NAME or -- COMMAND; --help says more");
	return false;
}

/* Two outputs into one file would mix their lines. */
static bool check_two_files(const struct options *o, size_t i, size_t j)
{
	if (!output_path_same(o->files[i], o->files[j]))
		return true;
	log_error("cannot write --%s and --%s both to '%s': name another file for one",
		  export_formats[i].name, export_formats[j].name, o->files[j]);
	return false;
}

static bool check_files(const struct options *o)
{
	size_t i, j;

	for (i = 0; i < FORMATS; i++) {
		if (!o->files[i])
			continue;
		if (o->live && output_path_descriptor(o->files[i]) == STDOUT_FILENO) {
			log_error("cannot use --live together with --%s %s: the screen needs the "
				  "terminal; name a file",
				  export_formats[i].name, o->files[i]);
			return false;
		}
		for (j = i + 1; j < FORMATS; j++) {
			if (o->files[j] && !check_two_files(o, i, j))
				return false;
		}
		if (o->write && output_path_same(o->files[i], o->write)) {
			log_error("cannot write --%s and --write both to '%s': name another file "
				  "for one",
				  export_formats[i].name, o->write);
			return false;
		}
	}
	return true;
}

static bool check_ranges(const struct options *o)
{
	if (o->min_bytes > o->max_bytes) {
		log_error("cannot use --min-size %llu together with --max-size %llu: no size is in "
			  "this range; exchange them",
			  (unsigned long long)o->min_bytes, (unsigned long long)o->max_bytes);
		return false;
	}
	if (o->sample_bytes > SAMPLE_MOST) {
		log_error(
			"cannot use --sample %llu: one sample per 1024G is the most that is scaled",
			(unsigned long long)o->sample_bytes);
		return false;
	}
	if (o->on_alert && !o->alert_count) {
		log_error("cannot use --on-alert without --alert: write a rule, such as --alert "
			  "'leaks>0'");
		return false;
	}
	if (o->leak_interval_s > o->leak_window_s) {
		log_error(
			"cannot use --leak-interval %g together with --leak-window %g: the window "
			"needs at least one interval",
			o->leak_interval_s, o->leak_window_s);
		return false;
	}
	return true;
}

bool options_check(const struct options_given *given)
{
	return check_pairs(given) && check_recordings(given) && check_target(given) &&
	       check_files(given->o) && check_ranges(given->o);
}
