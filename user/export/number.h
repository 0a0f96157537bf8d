/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers in files, the same in every locale. Pure; any thread. */
#ifndef EXPORT_NUMBER_H
#define EXPORT_NUMBER_H

#include <stdbool.h>
#include "../base/buffer.h"

/* At most three decimals, never an exponent. False when it is no finite number: then nothing is added. */
bool number_add(struct buffer *out, double value);
/* The same with at most so many decimals, 9 at most. */
bool number_add_decimals(struct buffer *out, double value, unsigned int decimals);

#endif /* EXPORT_NUMBER_H */
