/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole reads and writes over descriptors, which may be interrupted or not block. Any thread. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "buffer.h"

/* So many bytes, or fewer where the file ends. How many, or -errno. */
ssize_t io_read_at(int fd, void *out, size_t bytes, uint64_t offset);
/* What is left, behind what `out` has. 0, -EFBIG when that is more than `most` bytes, or -errno. */
int io_read_rest(int fd, size_t most, struct buffer *out);
/* The beginning of a file of text that makes itself (/proc, /sys): at most size - 1 bytes, and always a 0 behind them. How many, or -errno. */
ssize_t io_read_text(const char *path, char *out, size_t size);
/* All of it. 0 or -errno. */
int io_write(int fd, const void *data, size_t bytes);

#endif /* BASE_IO_H */
