/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How things look: colours by meaning, and what the terminal can show. The main thread only. */
#ifndef VIEW_THEME_H
#define VIEW_THEME_H

#include <stdbool.h>

enum style {
	STYLE_NORMAL,
	STYLE_STRONG,	/* figures that matter */
	STYLE_FAINT,	/* labels, things of no account */
	STYLE_TITLE,	/* names of processes, section heads */
	STYLE_HEADER,	/* column titles */
	STYLE_SORTED,	/* title of the sorted column */
	STYLE_SELECTED, /* the row under the cursor */
	STYLE_KEY,	/* names of keys in the bottom line */
	STYLE_BAR,	/* what the keys do */
	STYLE_TAB,	/* the page that is shown */
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_COUNT
};

struct theme {
	bool utf8;
	bool color;
	int attributes[STYLE_COUNT]; /* curses attributes */
};

/* After the terminal was taken. Colours unless the terminal has none or NO_COLOR is set and not
 * empty. */
void theme_init(struct theme *theme);
/* Everything drawn from now on has this look. */
void theme_use(const struct theme *theme, enum style style);

#endif /* VIEW_THEME_H */
