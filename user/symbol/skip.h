/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions are never a site's function: allocators, and what --skip names. One thread at a
 * time. */
#ifndef SYMBOL_SKIP_H
#define SYMBOL_SKIP_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is valid: allocator internals only. */
struct skip {
	regex_t *v;
	size_t count;
};

void skip_done(struct skip *s);
/* False: not a POSIX extended regular expression, *error says why (static). */
bool skip_add(struct skip *s, const char *regex, const char **error);
/* What Go's compiler calls to allocate, and what that calls. */
bool skip_is_go_allocator(const char *function);
/* function: demangled, bare; NULL is never skipped. */
bool skip_matches(const struct skip *s, const char *function);

#endif /* SYMBOL_SKIP_H */
