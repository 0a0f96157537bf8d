/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing string: the bytes come from the callers, text from a target through buffer_add_clean.
 * Invariant: data is NULL and both numbers are 0, or length < capacity and data[length] is NUL.
 * Capacity doubles, so adding is amortised constant.
 */
#include "buffer.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define BUFFER_MIN_CAPACITY 64

static void buffer_reserve(struct buffer *b, size_t extra)
{
	size_t capacity = b->capacity ? b->capacity : BUFFER_MIN_CAPACITY;
	size_t need;

	/* Half of the address space cannot be had: asking for it takes the out of memory exit. */
	if (extra >= SIZE_MAX / 4 || b->length >= SIZE_MAX / 4)
		need = SIZE_MAX / 2;
	else
		need = b->length + extra + 1;
	if (need <= b->capacity)
		return;
	while (capacity < need)
		capacity *= 2;
	b->data = xrealloc(b->data, capacity);
	b->capacity = capacity;
}

void buffer_done(struct buffer *b)
{
	if (!b)
		return;
	free(b->data);
	*b = (struct buffer){0};
}

void buffer_reset(struct buffer *b)
{
	b->length = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buffer_add(struct buffer *b, const void *bytes, size_t count)
{
	buffer_reserve(b, count);
	if (count)
		memcpy(b->data + b->length, bytes, count);
	b->length += count;
	b->data[b->length] = '\0';
}

void buffer_add_string(struct buffer *b, const char *s)
{
	buffer_add(b, s, strlen(s));
}

void buffer_add_char(struct buffer *b, char c)
{
	buffer_add(b, &c, 1);
}

void buffer_vprintf(struct buffer *b, const char *format, va_list args)
{
	va_list again;
	int length;

	buffer_reserve(b, 0);
	va_copy(again, args);
	length = vsnprintf(b->data + b->length, b->capacity - b->length, format, args);
	if (length > 0 && (size_t)length >= b->capacity - b->length) {
		buffer_reserve(b, (size_t)length);
		length = vsnprintf(b->data + b->length, b->capacity - b->length, format, again);
	}
	va_end(again);
	if (length > 0)
		b->length += (size_t)length;
	b->data[b->length] = '\0';
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buffer_vprintf(b, format, args);
	va_end(args);
}

/* Bytes of the UTF-8 sequence at s (NUL-terminated) and its code point; 0 when it is not valid. */
static size_t utf8_decode(const unsigned char *s, uint32_t *point)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length, i;

	if (s[0] < 0x80) {
		*point = s[0];
		return 1;
	}
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	*point = s[0] & (0x7fu >> length);
	for (i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (s[i] & 0x3f);
	}
	if (*point < smallest[length] || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000))
		return 0;
	return length;
}

/* Not only C0 and C1: line separators and direction overrides also let a name change how the rest
 * of a line reads. */
static bool is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x200e ||
	       point == 0x200f || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069);
}

void buffer_add_clean(struct buffer *b, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	buffer_reserve(b, strlen(s));
	while (*p) {
		uint32_t point = 0;
		size_t length = utf8_decode(p, &point);

		if (!length || is_control(point))
			buffer_add_char(b, '?');
		else
			buffer_add(b, p, length);
		p += length ? length : 1;
	}
	b->data[b->length] = '\0';
}
