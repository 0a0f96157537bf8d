/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each key does. The table is the only place: the key loop searches it and the help page
 * prints it. Keys follow htop and top, so that hands find them. Invariant: no code stands in two
 * rows, rows of one action are neighbours.
 */
#include "keys.h"

#include <curses.h>

/* clang-format off */
static const struct key table[] = {
	{KEY_UP,        "Up",        "move up",                               ACTION_UP},
	{'k',           "k",         NULL,                                    ACTION_UP},
	{KEY_DOWN,      "Down",      "move down",                             ACTION_DOWN},
	{'j',           "j",         NULL,                                    ACTION_DOWN},
	{KEY_PPAGE,     "PgUp",      "a page up",                             ACTION_PAGE_UP},
	{KEY_NPAGE,     "PgDn",      "a page down",                           ACTION_PAGE_DOWN},
	{KEY_HOME,      "Home",      "to the first line",                     ACTION_HOME},
	{KEY_END,       "End",       "to the last line",                      ACTION_END},
	{'\t',          "Tab",       "next page: sites, callers, threads, ...", ACTION_NEXT_PAGE},
	{KEY_BTAB,      "Shift-Tab", "page before",                           ACTION_PREVIOUS_PAGE},
	{'t',           "t",         "callers as a tree; again: sites",       ACTION_CALLERS},
	{KEY_F(5),      "F5",        NULL,                                    ACTION_CALLERS},
	{'H',           "H",         "threads; again: sites",                 ACTION_THREADS},
	{'\r',          "Enter",     "open the call site: its whole stack and all figures", ACTION_OPEN},
	{'\n',          NULL,        NULL,                                    ACTION_OPEN},
	{KEY_ENTER,     NULL,        NULL,                                    ACTION_OPEN},
	{KEY_ESCAPE,    "Esc",       "back; in a list: drop the filter",      ACTION_BACK},
	{'+',           "+",         "tree: open what is below, or go there; replay: faster", ACTION_PLUS},
	{'-',           "-",         "tree: close it, or go to what is above; replay: slower", ACTION_MINUS},
	{KEY_RIGHT,     "Right",     "tree: as +; replay: forward",           ACTION_RIGHT},
	{KEY_LEFT,      "Left",      "tree: as -; replay: back",              ACTION_LEFT},
	{']',           "]",         "replay: forward by ten seconds",        ACTION_SEEK_FORWARD},
	{'[',           "[",         "replay: back by ten seconds",           ACTION_SEEK_BACK},
	{'*',           "*",         "tree: open all, or close all",          ACTION_EXPAND_ALL},
	{'r',           "r",         "tree: from the root down, or from the allocator up", ACTION_TURN},
	{'M',           "M",         "sort by outstanding bytes",             ACTION_SORT_OUTSTANDING},
	{'N',           "N",         "sort by number of blocks",              ACTION_SORT_COUNT},
	{'P',           "P",         "sort by growth",                        ACTION_SORT_GROWTH},
	{'T',           "T",         "sort by age of the oldest block",       ACTION_SORT_AGE},
	{'<',           "<",         "sort by the column to the left",        ACTION_SORT_LEFT},
	{'>',           ">",         "sort by the column to the right",       ACTION_SORT_RIGHT},
	{KEY_F(6),      "F6",        "choose what to sort by",                ACTION_SORT_MENU},
	{'I',           "I",         "invert the order",                      ACTION_INVERT},
	{'/',           "/",         "search functions and modules",          ACTION_SEARCH},
	{KEY_F(3),      "F3",        NULL,                                    ACTION_SEARCH},
	{'n',           "n",         "next match of the search",              ACTION_SEARCH_NEXT},
	{'\\',          "\\",        "show only functions or modules with a text", ACTION_FILTER},
	{KEY_F(4),      "F4",        NULL,                                    ACTION_FILTER},
	{' ',           "Space",     "pause the screen (tracing goes on), or the replay", ACTION_PAUSE},
	{'p',           "p",         NULL,                                    ACTION_PAUSE},
	{'d',           "d",         "set the interval",                      ACTION_INTERVAL},
	{'s',           "s",         "write a snapshot to all outputs now",   ACTION_SNAPSHOT},
	{'b',           "b",         "baseline: figures are the change since now", ACTION_BASELINE},
	{'z',           "z",         "reset the baseline: figures are absolute", ACTION_BASELINE_RESET},
	{'e',           "e",         "export now: asks for format and file",  ACTION_EXPORT},
	{KEY_CTRL('L'), "Ctrl-L",    "draw the screen anew",                  ACTION_REDRAW},
	{KEY_CTRL('Z'), "Ctrl-Z",    "suspend",                               ACTION_SUSPEND},
	{'h',           "h",         "this page",                             ACTION_HELP},
	{'?',           "?",         NULL,                                    ACTION_HELP},
	{KEY_F(1),      "F1",        NULL,                                    ACTION_HELP},
	{'q',           "q",         "quit; in a page: back",                 ACTION_LEAVE},
	{KEY_F(10),     "F10",       "quit",                                  ACTION_QUIT},
	{KEY_MOUSE,     NULL,        NULL,                                    ACTION_MOUSE},
	{KEY_RESIZE,    NULL,        NULL,                                    ACTION_RESIZE},
};
/* clang-format on */

const struct key *keys_table(size_t *count)
{
	*count = sizeof(table) / sizeof(table[0]);
	return table;
}

enum action keys_find(int code)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].code == code)
			return table[i].action;
	}
	return ACTION_NONE;
}
