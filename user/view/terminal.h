/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking the terminal and giving it back: at the end, at exit(), at a fatal signal and while
 * suspended. There is one terminal, so this is the one part of the view with state of its own. The
 * main thread only.
 */
#ifndef VIEW_TERMINAL_H
#define VIEW_TERMINAL_H

#include <stdbool.h>

/* Starts curses on stdout and stdin, or on /dev/tty where they are no terminals. 0 or -errno after
 * a message. */
int terminal_open(void);
void terminal_close(void);
/* The descriptor that keys come from. */
int terminal_fd(void);
/* False when the terminal has hung up. */
bool terminal_alive(void);
/* Stops this process group as Ctrl-Z does; returns when it was continued. */
void terminal_suspend(void);
/* Takes over the size that the terminal has now. */
void terminal_resize(void);
/* Draws everything anew, also what others have written over it. */
void terminal_redraw(void);

#endif /* VIEW_TERMINAL_H */
