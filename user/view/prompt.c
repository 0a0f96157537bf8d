/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input line for search, filter, interval and file. Keys come one by one from the key loop, so
 * nothing ever waits here. Invariant: text[length] is NUL and the text is made of whole bytes as
 * typed; drawing cleans it.
 */
#include "prompt.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>
#include "keys.h"
#include "line.h"

void prompt_open(struct prompt *p, enum prompt_kind kind, const char *text)
{
	p->kind = kind;
	snprintf(p->text, sizeof(p->text), "%s", text);
	p->length = strlen(p->text);
}

/* A whole character, which may be several bytes. */
static void erase_last(struct prompt *p)
{
	while (p->length > 0) {
		char c = p->text[--p->length];

		p->text[p->length] = '\0';
		if (((unsigned char)c & 0xc0) != 0x80)
			return;
	}
}

enum prompt_event prompt_key(struct prompt *p, int key)
{
	switch (key) {
	case '\r':
	case '\n':
	case KEY_ENTER: return PROMPT_DONE;
	case KEY_ESCAPE: return PROMPT_CANCELLED;
	case KEY_F(3): return PROMPT_NEXT;
	case KEY_CTRL('U'): p->text[p->length = 0] = '\0'; return PROMPT_CHANGED;
	case KEY_BACKSPACE:
	case KEY_CTRL('H'):
	case 127: erase_last(p); return PROMPT_CHANGED;
	default: break;
	}
	if (key < ' ' || key > 0xff || p->length + 1 >= sizeof(p->text))
		return PROMPT_IGNORED;
	p->text[p->length++] = (char)key;
	p->text[p->length] = '\0';
	return PROMPT_CHANGED;
}

/* What was typed last is what has to be seen. */
static const char *end_of(const struct prompt *p, int columns)
{
	size_t skip = columns > 0 && p->length > (size_t)columns ? p->length - (size_t)columns : 0;

	while (skip && ((unsigned char)p->text[skip] & 0xc0) == 0x80)
		skip++;
	return p->text + skip;
}

void prompt_draw(const struct prompt *p, struct canvas *canvas, int y)
{
	static const char *const labels[] = {
		[PROMPT_NONE] = "",
		[PROMPT_SEARCH] = "Search: ",
		[PROMPT_FILTER] = "Filter: ",
		[PROMPT_INTERVAL] = "Interval in seconds: ",
		[PROMPT_EXPORT] = "Export to file: ",
	};
	static const char *const hints[] = {
		[PROMPT_NONE] = "",
		[PROMPT_SEARCH] = "  F3 next  Enter keep  Esc cancel",
		[PROMPT_FILTER] = "  Enter keep  Esc clear",
		[PROMPT_INTERVAL] = "  Enter set  Esc cancel",
		[PROMPT_EXPORT] = "  Enter write  Esc cancel",
	};
	struct line l;

	line_begin(&l, canvas, y, STYLE_BAR);
	if (canvas->width >= 60)
		line_right(&l, STYLE_BAR, "%s", hints[p->kind]);
	line_add(&l, STYLE_BAR, "%s", labels[p->kind]);
	line_cut(&l, STYLE_BAR, end_of(p, l.end - l.x - 1), 1);
	canvas_put(canvas, y, l.x < canvas->width ? l.x : canvas->width - 1, 1, TEXT_LEFT,
		   STYLE_KEY, "_");
}
