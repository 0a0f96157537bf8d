/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks by meaning, so that views never name a colour. Input is what curses knows about the
 * terminal and NO_COLOR. Invariant: nothing is said by colour alone; without colours bold and
 * reverse remain.
 */
#include "theme.h"

#include <curses.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

struct look {
	int attribute;	     /* always */
	int plain_attribute; /* only without colours */
	short foreground, background;
};

static const struct look looks[STYLE_COUNT] = {
	[STYLE_NORMAL] = {0, 0, -1, -1},
	[STYLE_STRONG] = {A_BOLD, 0, -1, -1},
	[STYLE_FAINT] = {0, 0, COLOR_CYAN, -1},
	[STYLE_TITLE] = {A_BOLD, 0, COLOR_GREEN, -1},
	[STYLE_HEADER] = {0, A_REVERSE, COLOR_BLACK, COLOR_GREEN},
	[STYLE_SORTED] = {0, A_BOLD, COLOR_BLACK, COLOR_CYAN},
	[STYLE_SELECTED] = {0, A_REVERSE, COLOR_BLACK, COLOR_CYAN},
	[STYLE_KEY] = {0, A_BOLD, -1, -1},
	[STYLE_BAR] = {0, A_REVERSE, COLOR_BLACK, COLOR_CYAN},
	[STYLE_TAB] = {A_BOLD, A_REVERSE, COLOR_BLACK, COLOR_GREEN},
	[STYLE_GOOD] = {0, 0, COLOR_GREEN, -1},
	[STYLE_WARN] = {A_BOLD, 0, COLOR_YELLOW, -1},
	[STYLE_BAD] = {A_BOLD, 0, COLOR_RED, -1},
};

static bool wants_color(void)
{
	const char *no_color = getenv("NO_COLOR");

	if (no_color && *no_color)
		return false;
	return has_colors() && start_color() == OK && COLOR_PAIRS > STYLE_COUNT;
}

void theme_init(struct theme *theme)
{
	bool defaults;
	int i;

	theme->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	theme->color = wants_color();
	defaults = theme->color && use_default_colors() == OK;
	for (i = 0; i < STYLE_COUNT; i++) {
		const struct look *look = &looks[i];
		short front = look->foreground, back = look->background;

		theme->attributes[i] = look->attribute;
		if (!theme->color) {
			theme->attributes[i] |= look->plain_attribute;
			continue;
		}
		if (front < 0 && !defaults)
			front = COLOR_WHITE;
		if (back < 0 && !defaults)
			back = COLOR_BLACK;
		init_pair((short)(i + 1), front, back);
		theme->attributes[i] |= (int)COLOR_PAIR(i + 1);
	}
}

void theme_use(const struct theme *theme, enum style style)
{
	attrset((attr_t)theme->attributes[style]);
}
