/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suppressions in the format of LeakSanitizer: lines "leak:PATTERN", "#" begins a comment. A pattern is searched anywhere in
 * a name; "^" at its begin and "$" at its end anchor it, "*" stands for any text. Pure.
 */
#ifndef ANALYSE_SUPPRESS_H
#define ANALYSE_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>

struct suppressions;

/* From the text of a file. NULL: *line and *why (static) say what is wrong with it. */
struct suppressions *suppressions_parse(const char *text, size_t length, size_t *line,
					const char **why);
void suppressions_free(struct suppressions *s);
/* Does a pattern match this name of a function, a module or a source file? NULL and "" are matched by none. */
bool suppressions_match(const struct suppressions *s, const char *name);

#endif /* ANALYSE_SUPPRESS_H */
