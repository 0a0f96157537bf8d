/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as users write and read them. Pure; any thread. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "4096", "4k", "1M", "2G" (1024, case-insensitive). False on anything else, on overflow and on an
 * empty string. */
bool units_parse_size(const char *s, uint64_t *bytes);
/* Decimal, no sign, no rest. */
bool units_parse_u64(const char *s, uint64_t *value);
/* "1", "0.5"; finite, >= 0. Locale-independent. */
bool units_parse_double(const char *s, double *value);
/* "12.3M" into at most 8 characters; returns out. */
const char *units_bytes(uint64_t bytes, char *out, size_t size);
const char *units_signed_bytes(double bytes, char *out, size_t size);
/* 1234567 -> "1.23M"; for counts (1000). */
const char *units_count(uint64_t count, char *out, size_t size);
/* Seconds -> "12s", "3m05s", "2h04m", "5d03h". */
const char *units_duration(double seconds, char *out, size_t size);
/* The same of what may be short: "5.07 us", "12.3 ms". */
const char *units_life(double seconds, char *out, size_t size);

#endif /* BASE_UNITS_H */
