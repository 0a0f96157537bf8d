/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of a recording as they lie in the file. Any thread, one file each. */
#ifndef CAPTURE_FILE_BLOCK_H
#define CAPTURE_FILE_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "format.h"

/* Of header and payload; header->checksum itself does not count. */
uint64_t file_block_checksum(const struct recording_block *header, const void *payload);
/* 0, -ENODATA when the file ends before, or -errno. */
int file_read_at(int fd, void *out, size_t bytes, uint64_t offset);
/* A block at an offset. 0; -ENODATA: the file ends there or within it; -EBADMSG: it makes no sense; or -errno. */
int file_read_block(int fd, uint64_t offset, struct recording_block *header,
		    struct buffer *payload);

#endif /* CAPTURE_FILE_BLOCK_H */
