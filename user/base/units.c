/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers as users write and read them. Input is text from the command line and figures from the
 * tables. Invariant: nothing here depends on the locale (the screen sets one, and a decimal comma
 * would break CSV readers and users' habits), so decimals are parsed and printed by hand; and every
 * format fits into 8 characters.
 */
#include "units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Longer decimals than this cannot be meant, and the bound keeps the sum finite. */
#define UNITS_MAX_DECIMAL_LENGTH 40

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The digits at *s, at least one; *s is left behind them. */
static bool parse_digits(const char **s, uint64_t *value)
{
	uint64_t v = 0;

	if (!is_digit(**s))
		return false;
	for (; is_digit(**s); (*s)++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(**s - '0'), &v))
			return false;
	}
	*value = v;
	return true;
}

bool units_parse_size(const char *s, uint64_t *bytes)
{
	unsigned int shift = 0;
	uint64_t v;

	if (!parse_digits(&s, &v))
		return false;
	switch (*s) {
	case '\0': *bytes = v; return true;
	case 'k':
	case 'K': shift = 10; break;
	case 'm':
	case 'M': shift = 20; break;
	case 'g':
	case 'G': shift = 30; break;
	default: return false;
	}
	if (s[1] || v > UINT64_MAX >> shift)
		return false;
	*bytes = v << shift;
	return true;
}

bool units_parse_u64(const char *s, uint64_t *value)
{
	uint64_t v;

	if (!parse_digits(&s, &v) || *s)
		return false;
	*value = v;
	return true;
}

bool units_parse_double(const char *s, double *value)
{
	double v = 0, scale = 1;
	bool point = false, digit = false;
	size_t i;

	for (i = 0; s[i]; i++) {
		if (i >= UNITS_MAX_DECIMAL_LENGTH)
			return false;
		if (s[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (!is_digit(s[i]))
			return false;
		digit = true;
		v = v * 10 + (s[i] - '0');
		if (point)
			scale *= 10;
	}
	if (!digit)
		return false;
	*value = v / scale;
	return true;
}

/* Three digits, rounded, and a unit: 1.23M, 12.3M, 123M; below `step` the plain number and `plain`.
 */
static void format_scaled(double v, double step, const char *plain, const char *sign, char *out,
			  size_t size)
{
	static const char names[] = "KMGTPE";
	unsigned int unit = 0;
	unsigned int n;

	if (v + 0.5 < step) {
		snprintf(out, size, "%s%u%s", sign, (unsigned int)(v + 0.5), plain);
		return;
	}
	/* 999.5 and more would be rounded to a fourth digit: next unit. */
	for (v /= step; v >= 999.5 && unit + 2 < sizeof(names); unit++)
		v /= step;
	if (v < 9.995) {
		n = (unsigned int)(v * 100 + 0.5);
		snprintf(out, size, "%s%u.%02u%c", sign, n / 100, n % 100, names[unit]);
	} else if (v < 99.95) {
		n = (unsigned int)(v * 10 + 0.5);
		snprintf(out, size, "%s%u.%u%c", sign, n / 10, n % 10, names[unit]);
	} else {
		snprintf(out, size, "%s%u%c", sign, (unsigned int)(v + 0.5), names[unit]);
	}
}

const char *units_bytes(uint64_t bytes, char *out, size_t size)
{
	format_scaled((double)bytes, 1024, "B", "", out, size);
	return out;
}

const char *units_signed_bytes(double bytes, char *out, size_t size)
{
	double v = fmin(fabs(bytes), (double)UINT64_MAX);

	if (isnan(bytes))
		snprintf(out, size, "-");
	else if (v < 0.5)
		snprintf(out, size, "0B");
	else
		format_scaled(v, 1024, "B", bytes < 0 ? "-" : "+", out, size);
	return out;
}

const char *units_count(uint64_t count, char *out, size_t size)
{
	format_scaled((double)count, 1000, "", "", out, size);
	return out;
}

const char *units_duration(double seconds, char *out, size_t size)
{
	/* A bound of more than 2700 years, for 8 characters and a defined conversion. */
	uint64_t s = seconds > 0 ? (uint64_t)fmin(seconds, 999999 * 86400.0) : 0;

	if (isnan(seconds))
		snprintf(out, size, "-");
	else if (s < 60)
		snprintf(out, size, "%us", (unsigned int)s);
	else if (s < 3600)
		snprintf(out, size, "%um%02us", (unsigned int)(s / 60), (unsigned int)(s % 60));
	else if (s < 86400)
		snprintf(out, size, "%uh%02um", (unsigned int)(s / 3600),
			 (unsigned int)(s / 60 % 60));
	else if (s < 9999 * (uint64_t)86400)
		snprintf(out, size, "%ud%02uh", (unsigned int)(s / 86400),
			 (unsigned int)(s / 3600 % 24));
	else
		snprintf(out, size, "%ud", (unsigned int)(s / 86400));
	return out;
}

const char *units_life(double seconds, char *out, size_t size)
{
	if (!(seconds < 1))
		return units_duration(seconds, out, size);
	if (seconds < 1e-3)
		snprintf(out, size, "%.3g us", 1e6 * fmax(seconds, 0));
	else
		snprintf(out, size, "%.3g ms", 1e3 * seconds);
	return out;
}
