/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small allocations that cannot sensibly fail: out of memory is said on stderr and ends the program
 * with status 1. */
#ifndef BASE_XALLOC_H
#define BASE_XALLOC_H

#include <stddef.h>

void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* BASE_XALLOC_H */
