/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes to a reader (a pipe, a terminal, a socket) waits here until it is taken: a thread writes it, so that nobody else waits for
 * a reader that is slow or has stopped. One other thread at a time.
 */
#ifndef EXPORT_PIPE_WRITER_H
#define EXPORT_PIPE_WRITER_H

#include <stdbool.h>
#include <stddef.h>

struct pipe_writer;

/* Bytes: while so much is waiting nothing more should be added. Hours of a program with a few sites, a few snapshots of ten thousand. */
#define PIPE_WRITER_ROOM (16u << 20)

/* Writes to what `fd` is open on; the descriptor itself stays the caller's. NULL with errno. */
struct pipe_writer *pipe_writer_new(int fd);
/* Takes a copy; never waits. After an error it is thrown away. */
void pipe_writer_add(struct pipe_writer *w, const char *data, size_t size);
/* -errno of the write that failed; 0. */
int pipe_writer_error(struct pipe_writer *w);
/* Bytes that the reader has not taken. */
size_t pipe_writer_waiting(struct pipe_writer *w);
/* Waits until `most` bytes or fewer are waiting, or there is an error, but not longer than that: false then. */
bool pipe_writer_wait(struct pipe_writer *w, size_t most, int ms);
/* What is waiting is given up, also in the middle of a write, for which nobody waits. NULL is accepted. */
void pipe_writer_free(struct pipe_writer *w);

#endif /* EXPORT_PIPE_WRITER_H */
