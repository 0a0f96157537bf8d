/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text to scroll through. Paragraphs come from the views, may hold names from a target, and are
 * wrapped when added: width changes mean building the page again. Invariant after
 * pager_set_height(): top + height <= count, or top is 0.
 */
#include "pager.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"
#include "text.h"

void pager_done(struct pager *p)
{
	buffer_done(&p->text);
	free(p->lines);
	memset(p, 0, sizeof(*p));
}

void pager_begin(struct pager *p, int width, bool utf8)
{
	p->utf8 = utf8;
	buffer_reset(&p->text);
	p->count = 0;
	p->width = width;
}

static void add_line(struct pager *p, const struct pager_line *line)
{
	if (p->count == p->capacity) {
		p->capacity = p->capacity ? p->capacity * 2 : 64;
		p->lines = xrealloc(p->lines, p->capacity * sizeof(*p->lines));
	}
	p->lines[p->count++] = *line;
}

void pager_add(struct pager *p, enum style style, int indent, int hang, const char *text)
{
	struct pager_line line = {.indent = indent, .style = style};

	do {
		int room = p->width - line.indent;

		/* Too narrow for indentation: the text is what matters. */
		if (room < 8) {
			line.indent = 0;
			room = p->width;
		}
		line.start = p->text.length;
		line.length = text_wrap(text, room, p->utf8);
		buffer_add(&p->text, text, line.length);
		add_line(p, &line);
		text += line.length;
		line.indent = indent + hang;
	} while (*text);
}

void pager_printf(struct pager *p, enum style style, int indent, int hang, const char *format, ...)
{
	struct buffer text = {0};
	va_list args;

	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	pager_add(p, style, indent, hang, text.data);
	buffer_done(&text);
}

void pager_set_height(struct pager *p, size_t height)
{
	size_t last = p->count > height ? p->count - height : 0;

	p->height = height;
	if (p->top > last)
		p->top = last;
}

void pager_move(struct pager *p, long lines)
{
	size_t distance = lines < 0 ? (size_t)-lines : (size_t)lines;

	if (lines < 0)
		p->top -= distance < p->top ? distance : p->top;
	else
		p->top = distance < p->count - p->top ? p->top + distance : p->count;
	pager_set_height(p, p->height);
}

void pager_draw(const struct pager *p, struct canvas *canvas, int y)
{
	struct buffer source = {0};
	size_t i;

	for (i = 0; i < p->height; i++) {
		const struct pager_line *line;

		canvas_blank(canvas, y + (int)i, 0, p->width, STYLE_NORMAL);
		if (p->top + i >= p->count)
			continue;
		line = &p->lines[p->top + i];
		buffer_reset(&source);
		buffer_add(&source, p->text.data + line->start, line->length);
		canvas_put(canvas, y + (int)i, line->indent, p->width - line->indent, TEXT_LEFT,
			   line->style, source.data);
	}
	buffer_done(&source);
}
