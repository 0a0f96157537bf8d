/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From cells to the terminal. The main thread only, while the terminal is taken. */
#ifndef VIEW_PAINT_H
#define VIEW_PAINT_H

#include "canvas.h"
#include "theme.h"

/* Zero-initialised: nothing is on the terminal yet. */
struct paint {
	struct canvas shown;
};

void paint_done(struct paint *p);
/* Shows the canvas; only lines that differ from what was shown last are given to curses. */
void paint_show(struct paint *p, const struct theme *theme, const struct canvas *c);
/* What is on the terminal is not known any more. */
void paint_forget(struct paint *p);

#endif /* VIEW_PAINT_H */
