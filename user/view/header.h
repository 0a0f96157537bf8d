/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The top lines of the live view: whose heap, how large, how fast, at what cost. The main thread
 * only. */
#ifndef VIEW_HEADER_H
#define VIEW_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include "../analyse/snapshot.h"
#include "canvas.h"
#include "sources.h"

#define HEADER_HISTORY 512

/* Outstanding bytes of the last snapshots, oldest first. Zero-initialised is empty. */
struct header {
	double history[HEADER_HISTORY];
	size_t history_count;
	double elapsed_s; /* of the last snapshot */
};

void header_remember(struct header *h, const struct snapshot *s);
/* Lines that the header takes on a screen of this many lines. */
int header_height(int screen_lines);
/* What else the title says. */
struct header_state {
	double interval_s;
	bool paused;
	const struct view_playback *playback; /* NULL: a live run */
};
void header_draw(const struct header *h, struct canvas *canvas, const struct snapshot *s,
		 int height, const struct header_state *state);

#endif /* VIEW_HEADER_H */
