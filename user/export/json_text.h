/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON (RFC 8259) piece by piece: commas are set by themselves. A key of NULL is for the items of an array. Text from a
 * target is made valid UTF-8 without control characters. One thread at a time.
 */
#ifndef EXPORT_JSON_TEXT_H
#define EXPORT_JSON_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include "../base/buffer.h"

/* bracket is '{' or '['; json_close() takes '}' or ']'. */
void json_open(struct buffer *out, const char *key, char bracket);
void json_close(struct buffer *out, char bracket);
/* NULL is null. */
void json_string(struct buffer *out, const char *key, const char *text);
void json_u64(struct buffer *out, const char *key, uint64_t value);
/* UINT64_MAX is null. */
void json_known_u64(struct buffer *out, const char *key, uint64_t value);
void json_int(struct buffer *out, const char *key, int value);
/* Not finite is null. */
void json_number(struct buffer *out, const char *key, double value);
/* For small ones: nine decimals instead of three. */
void json_small_number(struct buffer *out, const char *key, double value);
void json_i64(struct buffer *out, const char *key, int64_t value);
void json_bool(struct buffer *out, const char *key, bool value);
void json_null(struct buffer *out, const char *key);
/* As a string: "0x1f". */
void json_address(struct buffer *out, const char *key, uint64_t value);

#endif /* EXPORT_JSON_TEXT_H */
