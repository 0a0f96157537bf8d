/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of the live view: one table for the key loop and the help page. Any thread. */
#ifndef VIEW_KEYS_H
#define VIEW_KEYS_H

#include <stddef.h>

enum action {
	ACTION_NONE,
	ACTION_QUIT,
	ACTION_LEAVE, /* back from a page, out of the list */
	ACTION_HELP,
	ACTION_BACK,
	ACTION_OPEN,
	ACTION_UP,
	ACTION_DOWN,
	ACTION_PAGE_UP,
	ACTION_PAGE_DOWN,
	ACTION_HOME,
	ACTION_END,
	ACTION_SORT_LEFT,
	ACTION_SORT_RIGHT,
	ACTION_SORT_MENU,
	ACTION_SORT_GROWTH,
	ACTION_SORT_OUTSTANDING,
	ACTION_SORT_COUNT,
	ACTION_SORT_AGE,
	ACTION_INVERT,
	ACTION_SEARCH,
	ACTION_SEARCH_NEXT,
	ACTION_FILTER,
	ACTION_PAUSE,
	ACTION_INTERVAL,
	ACTION_SNAPSHOT,
	ACTION_REDRAW,
	ACTION_SUSPEND,
	ACTION_RESIZE,
	ACTION_NEXT_PAGE,
	ACTION_PREVIOUS_PAGE,
	ACTION_CALLERS,
	ACTION_THREADS,
	ACTION_PLUS,
	ACTION_MINUS,
	ACTION_RIGHT,
	ACTION_LEFT,
	ACTION_SEEK_BACK,
	ACTION_SEEK_FORWARD,
	ACTION_EXPAND_ALL,
	ACTION_TURN,
	ACTION_EXPORT,
	ACTION_BASELINE,
	ACTION_BASELINE_RESET,
	ACTION_MOUSE,
};

struct key {
	int code;	  /* as curses gives it */
	const char *name; /* NULL: not in the help */
	const char *help; /* in the first row of an action, NULL in the others */
	enum action action;
};

#define KEY_ESCAPE	 27
#define KEY_CTRL(letter) ((letter)&0x1f)

/* ACTION_NONE for a key that means nothing. */
enum action keys_find(int code);
/* Rows of one action are neighbours. */
const struct key *keys_table(size_t *count);

#endif /* VIEW_KEYS_H */
