/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing string. Zero-initialised is empty and valid; data is NUL-terminated once anything was
 * added. Out of memory ends the program (xrealloc). One thread at a time.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdarg.h>
#include <stddef.h>

struct buffer {
	char *data;
	size_t length;
	size_t capacity;
};

void buffer_done(struct buffer *b);
/* Length becomes 0, the memory stays. */
void buffer_reset(struct buffer *b);
void buffer_add(struct buffer *b, const void *bytes, size_t count);
void buffer_add_string(struct buffer *b, const char *s);
void buffer_add_char(struct buffer *b, char c);
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *b, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
/* Like buffer_add_string, but control characters and invalid UTF-8 become '?'. */
void buffer_add_clean(struct buffer *b, const char *s);

#endif /* BASE_BUFFER_H */
