/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "number.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>

/* Only integers are ever formatted: printf's decimal point would follow the locale. */
bool number_add(struct buffer *out, double value)
{
	const double largest = 9e15;
	double magnitude = fabs(value);
	uint64_t thousandths;
	unsigned int decimals;

	if (!isfinite(value))
		return false;
	if (magnitude >= largest) {
		buffer_printf(out, "%.0f", value);
		return true;
	}
	thousandths = (uint64_t)(magnitude * 1000 + 0.5);
	buffer_printf(out, "%s%" PRIu64, value < 0 && thousandths ? "-" : "", thousandths / 1000);
	decimals = (unsigned int)(thousandths % 1000);
	if (decimals == 0)
		return true;
	buffer_printf(out, ".%03u", decimals);
	while (out->data[out->length - 1] == '0')
		out->data[--out->length] = '\0';
	return true;
}
