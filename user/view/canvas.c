/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cells in memory. Text comes from the views and may hold anything; text_fit() cleans it. Invariant:
 * each cell holds one printable character that the terminal can show, or is the right half of a
 * wide one.
 */
#include "canvas.h"

#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"

static const struct cell blank = {.bytes = " ", .style = STYLE_NORMAL};

void canvas_done(struct canvas *c)
{
	free(c->cells);
	c->cells = NULL;
	c->width = c->height = 0;
}

void canvas_resize(struct canvas *c, int width, int height)
{
	size_t i, count;

	width = width > 0 ? width : 0;
	height = height > 0 ? height : 0;
	count = (size_t)width * (size_t)height;
	if (width != c->width || height != c->height || !c->cells)
		c->cells = xrealloc(c->cells, (count + 1) * sizeof(*c->cells));
	c->width = width;
	c->height = height;
	for (i = 0; i < count; i++)
		c->cells[i] = blank;
}

struct cell *canvas_at(const struct canvas *c, int y, int x)
{
	if (y < 0 || y >= c->height || x < 0 || x >= c->width)
		return NULL;
	return &c->cells[(size_t)y * (size_t)c->width + (size_t)x];
}

void canvas_blank(struct canvas *c, int y, int x, int columns, enum style style)
{
	for (; columns > 0; columns--, x++) {
		struct cell *cell = canvas_at(c, y, x);

		if (!cell)
			continue;
		*cell = blank;
		cell->style = (unsigned char)style;
	}
}

/* The right half of a wide character; what would stick out is a blank. */
static void put_glyph(struct canvas *c, int y, int x, const struct glyph *g, enum style style)
{
	struct cell *cell = canvas_at(c, y, x), *right;

	if (!cell)
		return;
	*cell = (struct cell){.style = (unsigned char)style};
	right = g->columns > 1 ? canvas_at(c, y, x + 1) : NULL;
	if (g->columns > 1 && !right) {
		cell->bytes[0] = ' ';
		return;
	}
	memcpy(cell->bytes, g->bytes, g->length < sizeof(cell->bytes) ? g->length : 1);
	if (right)
		*right = (struct cell){.style = (unsigned char)style};
}

void canvas_put(struct canvas *c, int y, int x, int columns, enum text_align align,
		enum style style, const char *text)
{
	struct buffer fitted = {0};
	const char *s;

	if (columns <= 0 || y < 0 || y >= c->height)
		return;
	text_fit(&fitted, text, columns, align, c->utf8);
	for (s = fitted.data; *s;) {
		struct glyph g = text_glyph(s, c->utf8);

		put_glyph(c, y, x, &g, style);
		x += g.columns;
		s += g.consumed;
	}
	buffer_done(&fitted);
}

void canvas_line(const struct canvas *c, int y, struct buffer *out)
{
	int x, end = c->width;

	while (end > 0 && strcmp(canvas_at(c, y, end - 1)->bytes, " ") == 0)
		end--;
	buffer_add(out, "", 0);
	for (x = 0; x < end; x++)
		buffer_add_string(out, canvas_at(c, y, x)->bytes);
}
