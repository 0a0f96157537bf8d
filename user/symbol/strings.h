/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One copy of each string, which lives until strings_done. Zero-initialised is empty and valid. One
 * thread at a time. */
#ifndef SYMBOL_STRINGS_H
#define SYMBOL_STRINGS_H

#include <stddef.h>
#include "table.h"

struct strings {
	struct table table;
	size_t bytes;
};

void strings_done(struct strings *s);
/* NULL stays NULL. */
const char *strings_get(struct strings *s, const char *text);
size_t strings_memory(const struct strings *s);

#endif /* SYMBOL_STRINGS_H */
