/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the screen is to show, as cells in memory: every view draws here, so that drawing works
 * without a terminal, and paint.h alone knows curses. Positions outside are left out, never an
 * error: a terminal may be of any size. Zero-initialised is empty. The main thread only.
 */
#ifndef VIEW_CANVAS_H
#define VIEW_CANVAS_H

#include <stdbool.h>
#include "../base/buffer.h"
#include "text.h"
#include "theme.h"

struct cell {
	char bytes[7]; /* one character, NUL-terminated; empty: the right half of the one before */
	unsigned char style; /* enum style */
};

struct canvas {
	int width, height;
	bool utf8;
	struct cell *cells; /* line by line */
};

void canvas_done(struct canvas *c);
/* All cells are blank afterwards. */
void canvas_resize(struct canvas *c, int width, int height);
struct cell *canvas_at(const struct canvas *c, int y, int x);
void canvas_blank(struct canvas *c, int y, int x, int columns, enum style style);
/* Cleaned text in exactly `columns` columns, cut with a mark or padded. */
void canvas_put(struct canvas *c, int y, int x, int columns, enum text_align align,
		enum style style, const char *text);
/* The line as text, without blanks at its end. */
void canvas_line(const struct canvas *c, int y, struct buffer *out);

#endif /* VIEW_CANVAS_H */
