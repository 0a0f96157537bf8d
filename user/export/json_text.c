/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a comma is due is seen from the last byte: behind an opening bracket, or at the beginning, it is not. */
#include "json_text.h"

#include <inttypes.h>
#include "number.h"

static bool needs_escape(char c)
{
	return c == '"' || c == '\\';
}

/* Makes room for the backslashes of the text from `start`, and moves it there from its end. */
static void escape(struct buffer *out, size_t start)
{
	size_t from = out->length, to, i;

	for (i = start; i < from; i++) {
		if (needs_escape(out->data[i]))
			buffer_add_char(out, ' ');
	}
	for (to = out->length; to > from;) {
		out->data[--to] = out->data[--from];
		if (needs_escape(out->data[to]))
			out->data[--to] = '\\';
	}
}

/* Without control characters only these two need a backslash. */
static void add_text(struct buffer *out, const char *text)
{
	size_t start;

	buffer_add_char(out, '"');
	start = out->length;
	buffer_add_clean(out, text);
	escape(out, start);
	buffer_add_char(out, '"');
}

static void begin(struct buffer *out, const char *key)
{
	char last = out->length ? out->data[out->length - 1] : '\n';

	if (last != '{' && last != '[' && last != '\n' && last != ':')
		buffer_add_char(out, ',');
	if (!key)
		return;
	add_text(out, key);
	buffer_add_char(out, ':');
}

void json_open(struct buffer *out, const char *key, char bracket)
{
	begin(out, key);
	buffer_add_char(out, bracket);
}

void json_close(struct buffer *out, char bracket)
{
	buffer_add_char(out, bracket);
}

void json_string(struct buffer *out, const char *key, const char *text)
{
	begin(out, key);
	if (text)
		add_text(out, text);
	else
		buffer_add_string(out, "null");
}

void json_u64(struct buffer *out, const char *key, uint64_t value)
{
	begin(out, key);
	buffer_printf(out, "%" PRIu64, value);
}

void json_known_u64(struct buffer *out, const char *key, uint64_t value)
{
	if (value == UINT64_MAX)
		json_null(out, key);
	else
		json_u64(out, key, value);
}

void json_int(struct buffer *out, const char *key, int value)
{
	begin(out, key);
	buffer_printf(out, "%d", value);
}

void json_number(struct buffer *out, const char *key, double value)
{
	begin(out, key);
	if (!number_add(out, value))
		buffer_add_string(out, "null");
}

void json_small_number(struct buffer *out, const char *key, double value)
{
	begin(out, key);
	if (!number_add_decimals(out, value, 9))
		buffer_add_string(out, "null");
}

void json_i64(struct buffer *out, const char *key, int64_t value)
{
	begin(out, key);
	buffer_printf(out, "%" PRId64, value);
}

void json_bool(struct buffer *out, const char *key, bool value)
{
	begin(out, key);
	buffer_add_string(out, value ? "true" : "false");
}

void json_null(struct buffer *out, const char *key)
{
	begin(out, key);
	buffer_add_string(out, "null");
}

void json_address(struct buffer *out, const char *key, uint64_t value)
{
	begin(out, key);
	buffer_printf(out, "\"0x%" PRIx64 "\"", value);
}
