/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text in terminal columns. Input may be any bytes, from a target's symbol tables for example.
 * Invariant: what comes out has no control characters, no characters of unknown width, is valid for
 * the terminal (plain ASCII unless it takes UTF-8), and fills exactly the columns that were asked
 * for.
 */
#include "text.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

/* Code point of the sequence at p, which has `length` bytes by its first one; UINT32_MAX when it is
 * not valid. */
static uint32_t decode(const unsigned char *p, size_t length)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t point = p[0] & (0xffu >> (length + 1));
	size_t i;

	for (i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return UINT32_MAX;
		point = point << 6 | (p[i] & 0x3f);
	}
	if (point < smallest[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return UINT32_MAX;
	return point;
}

static size_t sequence_length(unsigned char first)
{
	if (first < 0xc2 || first > 0xf4)
		return 1;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

struct glyph text_glyph(const char *s, bool utf8)
{
	const unsigned char *p = (const unsigned char *)s;
	struct glyph g = {.bytes = "?", .length = 1, .consumed = 1, .columns = 1};
	size_t length = sequence_length(p[0]);
	uint32_t point;
	int width;

	if (length == 1) {
		if (p[0] >= ' ' && p[0] < 0x7f)
			g.bytes = s;
		return g;
	}
	point = decode(p, length);
	if (point == UINT32_MAX)
		return g;
	g.consumed = length;
	/* Width 0 covers joiners, marks and direction overrides: they would change what stands
	 * beside them. */
	width = wcwidth((wchar_t)point);
	if (!utf8 || width < 1)
		return g;
	g.bytes = s;
	g.length = length;
	g.columns = width;
	return g;
}

int text_columns(const char *s, bool utf8)
{
	int columns = 0;

	while (*s && columns < INT16_MAX) {
		struct glyph g = text_glyph(s, utf8);

		columns += g.columns;
		s += g.consumed;
	}
	return columns;
}

static void add_blanks(struct buffer *out, int count)
{
	while (count-- > 0)
		buffer_add_char(out, ' ');
}

void text_fit(struct buffer *out, const char *s, int columns, enum text_align align, bool utf8)
{
	int width = text_columns(s, utf8);
	int room = columns;

	if (columns <= 0)
		return;
	if (align == TEXT_RIGHT && width < columns)
		add_blanks(out, columns - width);
	if (width > columns)
		room--;
	else
		room = width;
	columns -= align == TEXT_RIGHT && width < columns ? columns - width : 0;
	while (*s) {
		struct glyph g = text_glyph(s, utf8);

		if (g.columns > room)
			break;
		buffer_add(out, g.bytes, g.length);
		room -= g.columns;
		columns -= g.columns;
		s += g.consumed;
	}
	if (*s) {
		buffer_add_string(out, utf8 ? "…" : "~");
		columns--;
	}
	add_blanks(out, columns);
}

size_t text_wrap(const char *s, int columns, bool utf8)
{
	size_t used = 0, blank = 0;
	int width = 0;

	while (s[used]) {
		struct glyph g = text_glyph(s + used, utf8);

		if (width + g.columns > columns && used > 0)
			break;
		width += g.columns;
		used += g.consumed;
		if (s[used - 1] == ' ' && width * 2 > columns)
			blank = used;
	}
	return s[used] && blank ? blank : used;
}

bool text_contains(const char *s, const char *part)
{
	return strcasestr(s, part) != NULL;
}

static int bar_level(double value, double low, double high, int levels)
{
	int level;

	if (!(high > low))
		return value > 0 ? 1 : 0;
	level = (int)lround((value - low) / (high - low) * (levels - 1));
	return level < 0 ? 0 : level >= levels ? levels - 1 : level;
}

void text_bars(struct buffer *out, const double *values, size_t count, bool utf8)
{
	static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {"_", ".", "-", "=", "+", "*", "#", "@"};
	double low = HUGE_VAL, high = -HUGE_VAL;
	size_t i;

	for (i = 0; i < count; i++) {
		low = fmin(low, values[i]);
		high = fmax(high, values[i]);
	}
	for (i = 0; i < count; i++) {
		int level = bar_level(values[i], low, high, 8);

		buffer_add_string(out, utf8 ? blocks[level] : ascii[level]);
	}
}

void text_bar(struct buffer *out, double share, int columns, bool utf8)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
	int steps = utf8 ? 8 : 1;
	long total = lround(fmin(fmax(share, 0), 1) * columns * steps);

	if (share > 0 && total == 0)
		total = 1;
	buffer_add(out, "", 0);
	for (; total > 0; total -= steps) {
		if (utf8)
			buffer_add_string(out, eighths[total < 8 ? total : 8]);
		else
			buffer_add_char(out, '#');
	}
}
