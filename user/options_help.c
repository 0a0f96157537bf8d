/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is printed of the option table: --help, and the list for tests. */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "option_value.h"

#define HELP_COLUMN 30
#define HELP_WIDTH  80

static const char *const group_titles[GROUPS] = {
	[GROUP_TARGET] = "What to trace",      [GROUP_RECORD] = "What to record",
	[GROUP_REPORT] = "Reports and screen", [GROUP_OUTPUT] = "Files (FILE - is stdout)",
	[GROUP_LEAK] = "Leak detection",       [GROUP_OTHER] = "Other",
};

/* The help text in its column, broken between words. */
static void add_wrapped(struct buffer *b, size_t column, const char *text)
{
	while (*text) {
		size_t word = strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + word > HELP_WIDTH) {
			buffer_add_char(b, '\n');
			column = 0;
		} else if (column > HELP_COLUMN) {
			buffer_add_char(b, ' ');
			column++;
		}
		for (; column < HELP_COLUMN; column++)
			buffer_add_char(b, ' ');
		buffer_add(b, text, word);
		column += word;
		text += word + strspn(text + word, " ");
	}
	buffer_add_char(b, '\n');
}

static void add_row_help(struct buffer *b, const struct option_row *row)
{
	size_t start = b->length, width;

	if (row->letter)
		buffer_printf(b, "  -%c, --%s", row->letter, row->name);
	else
		buffer_printf(b, "      --%s", row->name);
	if (row->argument)
		buffer_printf(b, " %s", row->argument);
	width = b->length - start;
	if (width > HELP_COLUMN - 2) {
		buffer_add_char(b, '\n');
		width = 0;
	}
	add_wrapped(b, width, row->help);
}

void options_print_help(void)
{
	struct buffer b = {0};
	size_t group, i, count;
	const struct option_row *rows = option_rows(&count);

	buffer_add_string(
		&b,
		"tracer finds where a process's memory goes: which call stacks hold it, how fast\n"
		"each of them grows, and which ones leak.\n\n"
		"Usage:\n"
		"  tracer -p PID[,PID...] [options] [INTERVAL [COUNT]]\n"
		"  tracer -n NAME         [options] [INTERVAL [COUNT]]\n"
		"  tracer [options] [INTERVAL [COUNT]] -- COMMAND [ARG...]\n"
		"  tracer -r FILE         [options] [INTERVAL [COUNT]]\n"
		"  tracer --diff A B      [options]\n");
	for (group = 0; group < GROUPS; group++) {
		buffer_printf(&b, "\n%s:\n", group_titles[group]);
		for (i = 0; i < count; i++)
			if (rows[i].group == group && !option_is_hidden(&rows[i]))
				add_row_help(&b, &rows[i]);
	}
	buffer_add_string(&b, "\nINTERVAL is in seconds, COUNT is the number of reports. Exit "
			      "status: 0 done,\n1 failure, 2 usage. More: man tracer\n");
	fputs(b.data, stdout);
	buffer_done(&b);
}

void options_print_list(void)
{
	size_t i, count;
	const struct option_row *rows = option_rows(&count);

	for (i = 0; i < count; i++) {
		const struct option_row *row = &rows[i];
		char letter[3] = {'-', row->letter, '\0'};

		if (!option_is_hidden(row))
			printf("%s\t--%s\t%s\t%s\n", row->letter ? letter : "", row->name,
			       row->argument ? row->argument : "", row->help);
	}
}
