/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text in terminal columns: cleaned, cut, padded, wrapped. setlocale() decides what is wide. The
 * main thread only. */
#ifndef VIEW_TEXT_H
#define VIEW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include "../base/buffer.h"

enum text_align { TEXT_LEFT, TEXT_RIGHT };

/* One character of a string, as it will be shown. */
struct glyph {
	const char *bytes;
	size_t length;	 /* to show */
	size_t consumed; /* of the input */
	int columns;
};

/* The first character of a string that is not empty, cleaned. */
struct glyph text_glyph(const char *s, bool utf8);
/* Columns that the cleaned text takes. Without `utf8`, each character outside ASCII takes one
 * ('?'). */
int text_columns(const char *s, bool utf8);
/* Appends s in exactly `columns` columns; what does not fit is cut and the cut is marked. Nothing
 * for columns <= 0. */
void text_fit(struct buffer *out, const char *s, int columns, enum text_align align, bool utf8);
/* Bytes of s that fit into `columns`, at least one character; breaks after a blank when there is
 * one in the last half. */
size_t text_wrap(const char *s, int columns, bool utf8);
/* Case-insensitive for ASCII; the empty string is in everything. */
bool text_contains(const char *s, const char *part);
/* Appends a bar of `share` (0..1) of `columns` columns, in eighths of one where UTF-8 is taken; more than nothing is always seen. */
void text_bar(struct buffer *out, double share, int columns, bool utf8);
/*
 * `count` values as bars into out, oldest first, scaled so that the range from the smallest to the
 * largest is seen. One column each.
 */
void text_bars(struct buffer *out, const double *values, size_t count, bool utf8);

#endif /* VIEW_TEXT_H */
