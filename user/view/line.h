/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line of the screen, filled from left to right; what does not fit whole is left out. The main
 * thread only. */
#ifndef VIEW_LINE_H
#define VIEW_LINE_H

#include <stdbool.h>
#include "canvas.h"

struct line {
	struct canvas *canvas;
	int y, x, end; /* next column, first column that is not ours */
};

/* Blanks the line and starts at its left. */
void line_begin(struct line *l, struct canvas *canvas, int y, enum style style);
/* False when there was no room and nothing was added. */
bool line_add(struct line *l, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "label value  ", both or neither. */
bool line_pair(struct line *l, const char *label, enum style style, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Text that is cut to the room there is, up to `reserve` columns from the end. */
void line_cut(struct line *l, enum style style, const char *text, int reserve);
/* From the right end, shrinking the room. */
bool line_right(struct line *l, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* VIEW_LINE_H */
