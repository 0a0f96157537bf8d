/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One row of the option table, and what may stand as its value. Private to options.c and
 * option_value.c. */
#ifndef USER_OPTION_VALUE_H
#define USER_OPTION_VALUE_H

#include <stdbool.h>
#include <stddef.h>

struct options;

enum option_kind {
	KIND_FLAG,	/* bool */
	KIND_FOLLOW,	/* int, 1 */
	KIND_NO_FOLLOW, /* int, 0 */
	KIND_TEXT,	/* const char *, not empty */
	KIND_FILE,	/* the same, and not like an option */
	KIND_LISTEN,	/* const char *, an address to listen at */
	KIND_LIST,	/* const char **, with a count */
	KIND_REGEX,	/* the same, checked */
	KIND_SIZE,	/* uint64_t bytes */
	KIND_MS,	/* uint64_t */
	KIND_COUNT,	/* uint64_t, not 0 */
	KIND_SECONDS,	/* double, more than 0 */
	KIND_INTERVAL,	/* double, at least MIN_INTERVAL */
	KIND_RATIO,	/* double */
	KIND_PERCENT,	/* double, more than 0 */
	KIND_PIDS,
	KIND_COMMAND,
	KIND_SORT,
	KIND_METHOD,
	KIND_FOLDED,
	KIND_ALERT,
	KIND_WORKLOAD,
	KIND_SUPPRESS,
	KIND_DIFF,  /* two files; the second is the next argument */
	KIND_CHECK, /* modes */
	KIND_HELP,
	KIND_VERSION,
	KIND_MEMLEAK /* hidden; help: what to use instead */
};

enum option_group {
	GROUP_TARGET,
	GROUP_RECORD,
	GROUP_REPORT,
	GROUP_OUTPUT,
	GROUP_LEAK,
	GROUP_OTHER,
	GROUPS
};

struct option_row {
	char letter;	      /* 0: none */
	const char *name;     /* NULL: none */
	const char *argument; /* NULL: none */
	enum option_group group;
	enum option_kind kind;
	size_t offset, count_offset; /* in struct options, for the kinds that say so */
	const char *help;
};

/* All of them. */
const struct option_row *option_rows(size_t *count);

/* Not offered to anybody: its message says what to use instead. */
static inline bool option_is_hidden(const struct option_row *row)
{
	return row->kind == KIND_MEMLEAK;
}

/*
 * Checks `text` (NULL for an option without argument) and stores it. `again`: the option was given
 * before. False after one message.
 */
bool option_value_parse(struct options *o, const struct option_row *row, const char *text,
			bool again);

#endif /* USER_OPTION_VALUE_H */
