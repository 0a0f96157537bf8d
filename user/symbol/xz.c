/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xz packs up to 7000 to 1, and what a file says in its index about its size is only compared with
 * the contents once they are unpacked. But each chunk of LZMA2 begins with its size, packed and
 * unpacked, and those are what a decoder goes by: they are added up here.
 *
 * Invariant: whatever the bytes are, an answer other than UINT64_MAX is not below what a decoder
 * writes.
 */
#include "xz.h"

#include <stdbool.h>
#include <string.h>

#define HEADER_BYTES 12 /* of the stream: magic, flags, checksum */
#define FILTER_LZMA2 0x21

struct xz {
	const uint8_t *start, *at, *end;
	uint64_t unpacked;
	unsigned int check_bytes;
};

static bool skip(struct xz *x, uint64_t bytes)
{
	if (bytes > (size_t)(x->end - x->at))
		return false;
	x->at += bytes;
	return true;
}

static bool number(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
	*value = 0;
	for (unsigned int shift = 0; *at < end && shift < 63; shift += 7) {
		uint8_t byte = *(*at)++;

		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static bool stream_header(struct xz *x)
{
	static const uint8_t magic[] = {0xfd, '7', 'z', 'X', 'Z', 0, 0};
	static const uint8_t checks[] = {0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64};

	if (x->end - x->at < HEADER_BYTES || memcmp(x->at, magic, sizeof(magic)) != 0 ||
	    x->at[7] >= sizeof(checks))
		return false;
	x->check_bytes = checks[x->at[7]];
	return skip(x, HEADER_BYTES);
}

static bool block_header(struct xz *x)
{
	size_t bytes = ((size_t)x->at[0] + 1) * 4;
	const uint8_t *at = x->at + 2, *end;
	uint64_t value;
	uint8_t flags;

	if ((size_t)(x->end - x->at) < bytes)
		return false;
	flags = x->at[1];
	end = x->at + bytes;
	/* one filter; sizes of the whole block may stand before it */
	if ((flags & 3) != 0 || (flags & 0x40 && !number(&at, end, &value)) ||
	    (flags & 0x80 && !number(&at, end, &value)) || !number(&at, end, &value) ||
	    value != FILTER_LZMA2)
		return false;
	return skip(x, bytes);
}

/* The next chunk; false: none that makes sense. *last: it was the end of the block. */
static bool chunk(struct xz *x, bool *last)
{
	const uint8_t *b = x->at;
	size_t left = (size_t)(x->end - x->at);

	*last = left > 0 && b[0] == 0;
	if (*last)
		return skip(x, 1);
	if (left < 6 || (b[0] > 2 && b[0] < 0x80))
		return false;
	if (b[0] < 0x80) {
		x->unpacked += ((uint64_t)b[1] << 8 | b[2]) + 1;
		return skip(x, 3 + ((uint64_t)b[1] << 8 | b[2]) + 1);
	}
	x->unpacked += ((uint64_t)(b[0] & 0x1f) << 16 | (uint64_t)b[1] << 8 | b[2]) + 1;
	return skip(x, 5 + (b[0] >= 0xc0) + ((uint64_t)b[3] << 8 | b[4]) + 1);
}

static bool block(struct xz *x)
{
	bool last = false;

	if (!block_header(x))
		return false;
	while (!last) {
		if (!chunk(x, &last))
			return false;
	}
	while ((x->at - x->start) % 4) {
		if (!skip(x, 1))
			return false;
	}
	return skip(x, x->check_bytes);
}

uint64_t xz_unpacked_bytes(const void *data, size_t size)
{
	struct xz x = {.start = data, .at = data, .end = (const uint8_t *)data + size};

	if (!stream_header(&x))
		return UINT64_MAX;
	/* the index begins with a zero */
	while (x.at < x.end && *x.at) {
		if (!block(&x))
			return UINT64_MAX;
	}
	return x.at < x.end ? x.unpacked : UINT64_MAX;
}
