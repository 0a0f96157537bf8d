/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of text to scroll through, wrapped to the width. Zero-initialised is empty. The main thread
 * only. */
#ifndef VIEW_PAGER_H
#define VIEW_PAGER_H

#include <stddef.h>
#include "../base/buffer.h"
#include "canvas.h"

struct pager_line {
	size_t start, length; /* in text */
	int indent;
	enum style style;
};

struct pager {
	struct buffer text;
	struct pager_line *lines;
	size_t count, capacity;
	size_t top, height;
	int width;
	bool utf8;
};

void pager_done(struct pager *p);
/* Forgets the lines; where it was scrolled to stays. */
void pager_begin(struct pager *p, int width, bool utf8);
/* Adds a paragraph; continued lines are indented by `hang` columns more. */
void pager_add(struct pager *p, enum style style, int indent, int hang, const char *text);
void pager_printf(struct pager *p, enum style style, int indent, int hang, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Keeps the window inside the text. */
void pager_set_height(struct pager *p, size_t height);
void pager_move(struct pager *p, long lines);
void pager_draw(const struct pager *p, struct canvas *canvas, int y);

#endif /* VIEW_PAGER_H */
