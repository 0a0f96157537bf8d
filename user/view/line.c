/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line of the screen. Pieces come from left and right and never meet: x only grows, end only
 * shrinks, and a piece for which there is no room is left out whole, so that no figure is ever
 * shown in part.
 */
#include "line.h"

#include <stdarg.h>
#include "../base/buffer.h"
#include "text.h"

void line_begin(struct line *l, struct canvas *canvas, int y, enum style style)
{
	*l = (struct line){.canvas = canvas, .y = y, .x = 0, .end = canvas->width};
	canvas_blank(canvas, y, 0, canvas->width, style);
}

static void put(struct line *l, int x, enum style style, const char *text, int columns)
{
	canvas_put(l->canvas, l->y, x, columns, TEXT_LEFT, style, text);
}

bool line_add(struct line *l, enum style style, const char *format, ...)
{
	struct buffer text = {0};
	va_list args;
	int columns;
	bool fits;

	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	columns = text_columns(text.data, l->canvas->utf8);
	fits = columns <= l->end - l->x;
	if (fits) {
		put(l, l->x, style, text.data, columns);
		l->x += columns;
	}
	buffer_done(&text);
	return fits;
}

bool line_pair(struct line *l, const char *label, enum style style, const char *format, ...)
{
	struct buffer text = {0};
	int label_columns = text_columns(label, l->canvas->utf8), columns;
	va_list args;
	bool fits;

	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	columns = text_columns(text.data, l->canvas->utf8);
	fits = label_columns + 1 + columns <= l->end - l->x;
	if (fits) {
		put(l, l->x, STYLE_FAINT, label, label_columns);
		put(l, l->x + label_columns + 1, style, text.data, columns);
		l->x += label_columns + 1 + columns + 2;
	}
	buffer_done(&text);
	return fits;
}

void line_cut(struct line *l, enum style style, const char *text, int reserve)
{
	int columns = text_columns(text, l->canvas->utf8);
	int room = l->end - l->x - reserve;

	if (columns > room)
		columns = room;
	put(l, l->x, style, text, columns);
	l->x += columns > 0 ? columns : 0;
}

bool line_right(struct line *l, enum style style, const char *format, ...)
{
	struct buffer text = {0};
	va_list args;
	int columns;
	bool fits;

	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	columns = text_columns(text.data, l->canvas->utf8);
	fits = columns <= l->end - l->x;
	if (fits) {
		l->end -= columns;
		put(l, l->end, style, text.data, columns);
	}
	buffer_done(&text);
	return fits;
}
