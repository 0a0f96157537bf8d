/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live view on the terminal (ncursesw). screen_open() takes the terminal, screen_close() gives
 * it back; it is given back on every way out, a crash included. The owner calls screen_key() when
 * stdin is readable and screen_draw() with a fresh snapshot. The main thread only.
 */
#ifndef VIEW_SCREEN_H
#define VIEW_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../analyse/snapshot.h"
#include "sources.h"

struct screen;

/* What the view asks of its owner. */
enum screen_request {
	SCREEN_NOTHING,
	SCREEN_QUIT,
	SCREEN_REFRESH,	 /* wants a snapshot now */
	SCREEN_SNAPSHOT, /* `s`: write a snapshot to every output */
	SCREEN_EXPORT,	 /* `e`: write to the file that was begun */
};

struct screen_options {
	enum sort_key sort;
	double interval_s;
};

/* NULL after a message (no terminal, unknown TERM). The sources are borrowed. */
struct screen *screen_open(const struct screen_options *options,
			   const struct screen_sources *sources);
void screen_close(struct screen *s);
/* The descriptor to poll for keys: stdin, or /dev/tty where stdin is no terminal. */
int screen_fd(const struct screen *s);
/* Reads all pending keys. */
enum screen_request screen_key(struct screen *s);
/*
 * Takes over what is in the snapshot and leaves *snapshot empty; the one before is freed. While
 * paused the new one is freed instead. Then draws. NULL only draws, what has come late included.
 */
void screen_draw(struct screen *s, struct snapshot *snapshot);
/* After SIGWINCH. */
void screen_resize(struct screen *s);
/* After SIGTSTP that was sent: stops; returns when it was continued. */
void screen_suspend(struct screen *s);
/* After SIGCONT: whatever stopped us, the terminal may have been another's. */
void screen_continue(struct screen *s);
/* Interval as chosen by the user (`d`). */
double screen_interval(const struct screen *s);
/* One line for the message row ("redis-server has ended"). */
void screen_message(struct screen *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* VIEW_SCREEN_H */
