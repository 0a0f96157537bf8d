/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small allocations that cannot sensibly fail. Sizes come from this program (options, names, text
 * lines), never unchecked from a target; tables that grow with a target use malloc and return
 * -ENOMEM instead. Invariant: no function here returns NULL. The failure path allocates nothing and
 * leaves by exit(), so that the handlers which restore the terminal run.
 */
#include "xalloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static _Noreturn void xalloc_fail(void)
{
	log_last_words(
		"tracer: cannot allocate memory: out of memory; free some or raise the limit "
		"(ulimit -v)\n");
	exit(EXIT_FAILURE);
}

void *xcalloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		xalloc_fail();
	return p;
}

void *xrealloc(void *p, size_t size)
{
	/* Size 0 would be allowed to free p and return NULL. */
	void *q = realloc(p, size ? size : 1);

	if (!q)
		xalloc_fail();
	return q;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, SIZE_MAX);
}

char *xstrndup(const char *s, size_t n)
{
	char *copy = n == SIZE_MAX ? strdup(s) : strndup(s, n);

	if (!copy)
		xalloc_fail();
	return copy;
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		xalloc_fail();
	return text;
}
