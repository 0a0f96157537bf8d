/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of a recording: what is read is looked at before it is believed, its lengths first. */
#include "file_block.h"

#include <errno.h>
#include "../base/io.h"
#include "../base/siphash.h"

/* No secret: the checksum is against accidents, not against whoever can write the file. */
static const struct siphash_key key = {{0x7261636572436f72ull, 0x647265636f726453ull}};

uint64_t file_block_checksum(const struct recording_block *header, const void *payload)
{
	struct recording_block h = *header;
	struct siphash s;
	uint64_t digest[2];

	h.checksum = 0;
	siphash_begin(&s, &key);
	siphash_add(&s, &h, sizeof(h));
	siphash_add(&s, payload, header->bytes);
	siphash_end(&s, digest);
	return digest[0];
}

int file_read_at(int fd, void *out, size_t bytes, uint64_t offset)
{
	ssize_t n = offset > INT64_MAX - bytes ? 0 : io_read_at(fd, out, bytes, offset);

	return n < 0 ? (int)n : (size_t)n == bytes ? 0 : -ENODATA;
}

/* Piece by piece, so that a length that is a lie costs no more memory than the file has bytes. */
static int read_payload(int fd, uint64_t offset, size_t bytes, struct buffer *payload)
{
	char piece[65536];

	buffer_reset(payload);
	buffer_add(payload, "", 0);
	while (bytes) {
		size_t n = bytes < sizeof(piece) ? bytes : sizeof(piece);
		int err = file_read_at(fd, piece, n, offset);

		if (err)
			return err;
		buffer_add(payload, piece, n);
		offset += n;
		bytes -= n;
	}
	return 0;
}

int file_read_block(int fd, uint64_t offset, struct recording_block *header, struct buffer *payload)
{
	int err = file_read_at(fd, header, sizeof(*header), offset);

	if (err)
		return err;
	if (header->magic != RECORDING_BLOCK_MAGIC || header->bytes > RECORDING_BLOCK_MOST ||
	    header->events > RECORDING_EVENTS_MOST)
		return -EBADMSG;
	err = read_payload(fd, offset + sizeof(*header), header->bytes, payload);
	if (err)
		return err;
	return file_block_checksum(header, payload->data) == header->checksum ? 0 : -EBADMSG;
}
