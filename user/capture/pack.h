/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers and texts as bytes, for recordings. Numbers take seven bits a byte, the lowest first. Reading never goes past the
 * end: what is not there is 0 and sets `bad`. Any thread.
 */
#ifndef CAPTURE_PACK_H
#define CAPTURE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "../base/buffer.h"

#define PACK_BYTES_MOST 10u /* of one number */

static inline uint64_t pack_zigzag(uint64_t difference)
{
	return difference << 1 ^ -(difference >> 63);
}

static inline uint64_t pack_unzigzag(uint64_t v)
{
	return v >> 1 ^ -(v & 1);
}

/* There is room. Returns how many bytes. */
static inline size_t pack_put(uint8_t *at, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		at[n++] = (uint8_t)(v | 0x80);
	at[n++] = (uint8_t)v;
	return n;
}

static inline void pack_u64(struct buffer *b, uint64_t v)
{
	uint8_t bytes[PACK_BYTES_MOST];

	buffer_add(b, bytes, pack_put(bytes, v));
}

static inline void pack_double(struct buffer *b, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	pack_u64(b, bits);
}

static inline void pack_bytes(struct buffer *b, const void *bytes, size_t count)
{
	pack_u64(b, count);
	buffer_add(b, bytes, count);
}

/* NULL is another text than "". */
static inline void pack_text(struct buffer *b, const char *text)
{
	pack_u64(b, text ? strlen(text) + 1 : 0);
	if (text)
		buffer_add(b, text, strlen(text) + 1);
}

struct unpack {
	const uint8_t *at, *end;
	bool bad;
};

static inline size_t unpack_left(const struct unpack *u)
{
	return (size_t)(u->end - u->at);
}

static inline uint64_t unpack_u64(struct unpack *u)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64 && u->at < u->end; shift += 7) {
		uint8_t byte = *u->at++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	u->bad = true;
	return 0;
}

static inline double unpack_double(struct unpack *u)
{
	uint64_t bits = unpack_u64(u);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

/* Borrowed from what is read; NULL with *count 0: bad. */
static inline const void *unpack_bytes(struct unpack *u, size_t *count)
{
	uint64_t n = unpack_u64(u);
	const void *bytes = u->at;

	*count = 0;
	if (u->bad || n > unpack_left(u)) {
		u->bad = true;
		return NULL;
	}
	*count = (size_t)n;
	u->at += n;
	return bytes;
}

/* Borrowed; NULL: there is none, or bad. */
static inline const char *unpack_text(struct unpack *u)
{
	size_t count;
	const char *text = unpack_bytes(u, &count);

	if (!count)
		return NULL;
	if (memchr(text, '\0', count) != text + count - 1) {
		u->bad = true;
		return NULL;
	}
	return text;
}

#endif /* CAPTURE_PACK_H */
