/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "number.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>

/* Only integers are ever formatted: printf's decimal point would follow the locale. */
bool number_add_decimals(struct buffer *out, double value, unsigned int decimals)
{
	const double largest = 9e18;
	uint64_t unit = 1, units;
	unsigned int i;

	if (!isfinite(value))
		return false;
	for (i = 0; i < decimals; i++)
		unit *= 10;
	if (fabs(value) * (double)unit >= largest) {
		buffer_printf(out, "%.0f", value);
		return true;
	}
	units = (uint64_t)(fabs(value) * (double)unit + 0.5);
	buffer_printf(out, "%s%" PRIu64, value < 0 && units ? "-" : "", units / unit);
	if (units % unit == 0)
		return true;
	buffer_printf(out, ".%0*" PRIu64, (int)decimals, units % unit);
	while (out->data[out->length - 1] == '0')
		out->data[--out->length] = '\0';
	return true;
}

bool number_add(struct buffer *out, double value)
{
	return number_add_decimals(out, value, 3);
}
