/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether options go together. Any thread. */
#ifndef USER_OPTIONS_CHECK_H
#define USER_OPTIONS_CHECK_H

#include <stdbool.h>
#include "options.h"

/* What was read from the command line; all borrowed. */
struct options_given {
	const struct options *o;
	/* Was the option of this long name written? */
	bool (*is_given)(const void *parser, const char *name);
	const void *parser;
	const char *positional; /* the first word that is no option; NULL: none */
};

/* False after exactly one line. */
bool options_check(const struct options_given *given);

#endif /* USER_OPTIONS_CHECK_H */
