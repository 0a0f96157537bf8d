/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pattern is kept as its pieces between the asterisks. The first piece that fits is always taken, and only the last one,
 * when it is anchored, is looked for from the end: so matching takes time in proportion to the name for each piece, whatever
 * the pattern is.
 *
 * Unlike LeakSanitizer's own matcher, "x$" also matches "xx": there the first x is taken and the end is missed.
 */
#include "suppress.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"

#define LINE_MAX_BYTES 4096

struct pattern {
	char *text; /* the pieces, each with a NUL behind it */
	size_t piece_count;
	bool at_start, at_end; /* the first piece begins the name, the last one ends it */
};

struct suppressions {
	struct pattern *v;
	size_t count;
};

/* "" between two asterisks, or beside one at an end, matches everywhere and needs no care. */
static void add_pattern(struct suppressions *s, const char *text, size_t length)
{
	struct pattern p = {.piece_count = 1};

	if (text[0] == '^') {
		p.at_start = true;
		text++;
		length--;
	}
	if (length && text[length - 1] == '$') {
		p.at_end = true;
		length--;
	}
	p.text = xstrndup(text, length);
	for (size_t i = 0; i < length; i++) {
		if (p.text[i] != '*')
			continue;
		p.text[i] = '\0';
		p.piece_count++;
	}
	s->v = xrealloc(s->v, (s->count + 1) * sizeof(*s->v));
	s->v[s->count++] = p;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* NULL, or what is wrong. */
static const char *add_line(struct suppressions *s, const char *line, size_t length)
{
	static const char type[] = "leak:";

	while (length && is_blank(line[0])) {
		line++;
		length--;
	}
	while (length && is_blank(line[length - 1]))
		length--;
	if (!length || line[0] == '#')
		return NULL;
	if (memchr(line, '\0', length))
		return "it has a zero byte";
	if (length > LINE_MAX_BYTES)
		return "it is longer than 4096 characters";
	if (length < sizeof(type) - 1 || memcmp(line, type, sizeof(type) - 1) != 0)
		return "write leak:PATTERN, or # before a comment";
	line += sizeof(type) - 1;
	length -= sizeof(type) - 1;
	if (!length || (length <= 2 && strspn(line, "^$") >= length))
		return "its pattern is empty";
	add_pattern(s, line, length);
	return NULL;
}

struct suppressions *suppressions_parse(const char *text, size_t length, size_t *line,
					const char **why)
{
	struct suppressions *s = xcalloc(1, sizeof(*s));
	const char *end = text + length;

	*why = NULL;
	for (*line = 1; text < end; (*line)++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		if (!stop)
			stop = end;
		*why = add_line(s, text, (size_t)(stop - text));
		if (*why) {
			suppressions_free(s);
			return NULL;
		}
		text = stop < end ? stop + 1 : end;
	}
	return s;
}

void suppressions_free(struct suppressions *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		free(s->v[i].text);
	free(s->v);
	free(s);
}

/* The last piece, anchored at the end: there is nothing to search. */
static bool ends_with(const char *name, const char *piece)
{
	size_t rest = strlen(name), length = strlen(piece);

	return length <= rest && !strcmp(name + rest - length, piece);
}

static bool matches(const struct pattern *p, const char *name)
{
	const char *piece = p->text;

	for (size_t i = 0; i < p->piece_count; i++, piece += strlen(piece) + 1) {
		bool first = i == 0 && p->at_start, last = i + 1 == p->piece_count && p->at_end;
		const char *found;

		if (first && last)
			return !strcmp(name, piece);
		if (last)
			return ends_with(name, piece);
		if (first)
			found = strncmp(name, piece, strlen(piece)) ? NULL : name;
		else
			found = strstr(name, piece);
		if (!found)
			return false;
		name = found + strlen(piece);
	}
	return true;
}

bool suppressions_match(const struct suppressions *s, const char *name)
{
	if (!name || !*name)
		return false;
	for (size_t i = 0; i < s->count; i++) {
		if (matches(&s->v[i], name))
			return true;
	}
	return false;
}
