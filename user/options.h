/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: one table from which the parser, --help and the shell completion come. */
#ifndef USER_OPTIONS_H
#define USER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "analyse/alerts.h"
#include "analyse/go_advice.h"
#include "analyse/snapshot.h"
#include "export/formats.h"
#include "analyse/suppress.h"

enum attach_method { METHOD_AUTO = 0, METHOD_SESSION = 1, METHOD_MULTI = 2, METHOD_PERF = 3 };
enum options_mode { MODE_TRACE, MODE_CHECK, MODE_HELP, MODE_VERSION, MODE_DIFF };

struct options {
	enum options_mode mode;
	pid_t *pids;
	size_t pid_count;
	const char *name;
	char *const *command; /* argv of the command, NULL-terminated; NULL: none */
	char **shell_argv;    /* owned: the argv of -c; NULL with `-- COMMAND` */
	const char *user;
	int follow; /* -1: default of the mode (0 for -p, 1 for a command and -n) */
	const char **objects;
	size_t object_count;
	uint64_t min_bytes, max_bytes; /* 0 and UINT64_MAX: all */
	uint64_t sample_bytes;	       /* 0: off */
	double max_overhead;	       /* percent; 0: no limit */
	uint64_t older_ms;
	uint64_t top;
	bool show_allocs;
	double interval_s;     /* 0: default of the mode */
	uint64_t report_count; /* COUNT; 0: no end */
	double duration_s;     /* 0: none */
	bool batch, live;
	enum sort_key sort;
	const char *files[FORMATS]; /* by format; NULL: none */
	enum folded_value folded_value;
	const char *metrics;	  /* [ADDR:]PORT; NULL: none */
	const char *read, *write; /* recordings */
	const char *diff[2];	  /* files to compare */
	double leak_window_s, leak_interval_s, leak_threshold;
	bool leak_window_given, leak_interval_given, leak_threshold_given;
	uint64_t max_file_bytes; /* of the recording; 0: no limit */
	struct alert_rule *alerts;
	size_t alert_count;
	const char *on_alert;
	double baseline_s; /* 0: none */
	bool pools;
	enum go_workload go_workload;
	bool go_enable_profile;
	double go_pool_percent;		   /* 0: default */
	struct suppressions *suppressions; /* NULL: none */
	bool mmap;
	const char **skips;
	size_t skip_count;
	enum attach_method method;
	bool dry_run;
	bool verbose, quiet;
};

/*
 * Returns true, or false after one line on stderr (exit status 2). Strings point into argv.
 * options_done frees the arrays.
 */
bool options_parse(struct options *o, int argc, char **argv);
void options_done(struct options *o);
/* Are some allocations left out by their size? */
bool options_filter(const struct options *o);
/* Is one of the files stdout? */
bool options_to_stdout(const struct options *o);
void options_print_help(void);
/* For scripts/gen-completion.sh and the man page test: one option a line. */
void options_print_list(void);

/* Are children traced, too? */
bool options_follow(const struct options *o);

#endif /* USER_OPTIONS_H */
