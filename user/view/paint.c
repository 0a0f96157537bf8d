/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From cells to curses, which sends only what has changed to the terminal. Comparing lines first
 * spares curses most of them. Invariant: `shown` is what curses was given last.
 */
#include "paint.h"

#include <curses.h>
#include <string.h>

void paint_done(struct paint *p)
{
	canvas_done(&p->shown);
}

void paint_forget(struct paint *p)
{
	canvas_done(&p->shown);
}

/* Runs of one look. The last column of the last line is no problem: curses knows how. */
static void paint_line(const struct theme *theme, const struct canvas *c, int y,
		       struct buffer *text)
{
	int x = 0, start;

	while (x < c->width) {
		unsigned char style = canvas_at(c, y, x)->style;

		buffer_reset(text);
		for (start = x; x < c->width && canvas_at(c, y, x)->style == style; x++)
			buffer_add_string(text, canvas_at(c, y, x)->bytes);
		theme_use(theme, (enum style)style);
		mvaddnstr(y, start, text->data, (int)text->length);
	}
}

void paint_show(struct paint *p, const struct theme *theme, const struct canvas *c)
{
	bool same_size =
		p->shown.cells && p->shown.width == c->width && p->shown.height == c->height;
	size_t line_bytes = (size_t)c->width * sizeof(*c->cells);
	struct buffer text = {0};
	int y;

	if (!same_size) {
		canvas_resize(&p->shown, c->width, c->height);
		erase();
	}
	for (y = 0; y < c->height && c->width > 0; y++) {
		struct cell *before = canvas_at(&p->shown, y, 0);
		const struct cell *now = canvas_at(c, y, 0);

		if (same_size && memcmp(before, now, line_bytes) == 0)
			continue;
		paint_line(theme, c, y, &text);
		memcpy(before, now, line_bytes);
	}
	buffer_done(&text);
	refresh();
}
