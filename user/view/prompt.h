/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line of input at the bottom of the screen. Zero-initialised is closed. The main thread only.
 */
#ifndef VIEW_PROMPT_H
#define VIEW_PROMPT_H

#include <stddef.h>
#include "canvas.h"

enum prompt_kind { PROMPT_NONE, PROMPT_SEARCH, PROMPT_FILTER, PROMPT_INTERVAL, PROMPT_EXPORT };
enum prompt_event {
	PROMPT_IGNORED,
	PROMPT_CHANGED,
	PROMPT_NEXT, /* F3 */
	PROMPT_DONE,
	PROMPT_CANCELLED
};

struct prompt {
	enum prompt_kind kind;
	char text[256];
	size_t length;
};

void prompt_open(struct prompt *p, enum prompt_kind kind, const char *text);
/* DONE and CANCELLED leave it to the caller to close the prompt (kind = PROMPT_NONE). */
enum prompt_event prompt_key(struct prompt *p, int key);
void prompt_draw(const struct prompt *p, struct canvas *canvas, int y);

#endif /* VIEW_PROMPT_H */
