/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the names that frames point to. They come from files that are closed again, and most come
 * many times.
 *
 * Invariant: two strings from here are equal exactly when their pointers are.
 */
#include "strings.h"

#include <stdlib.h>
#include <string.h>
#include "../base/mix.h"
#include "../base/xalloc.h"

/* malloc's own share of a small block */
#define STRINGS_OVERHEAD 16

void strings_done(struct strings *s)
{
	char *text;

	for (size_t at = 0; (text = table_next(&s->table, &at));)
		free(text);
	table_done(&s->table);
	*s = (struct strings){0};
}

const char *strings_get(struct strings *s, const char *text)
{
	uint64_t hash;
	char *copy;

	if (!text)
		return NULL;
	hash = mix_bytes(0, text, strlen(text));
	for (size_t at = 0; (copy = table_find(&s->table, hash, &at));) {
		if (strcmp(copy, text) == 0)
			return copy;
	}
	copy = xstrdup(text);
	table_insert(&s->table, hash, copy);
	s->bytes += strlen(text) + 1 + STRINGS_OVERHEAD;
	return copy;
}

size_t strings_memory(const struct strings *s)
{
	return s->bytes + table_memory(&s->table);
}
