/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Equal bytes have one number: 0, 1, 2, ... in the order in which they were first seen. Zero-initialised is empty. One
 * thread at a time. */
#ifndef EXPORT_INTERN_H
#define EXPORT_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include "../base/siphash.h"
#include "../symbol/table.h"

struct intern_item;

struct intern {
	struct table table;
	struct intern_item **items;
	size_t count, capacity;
	struct siphash_key key;
};

void intern_done(struct intern *n);
/* *added (NULL: not wanted): seen for the first time. */
size_t intern_put(struct intern *n, const void *bytes, size_t length, bool *added);
/* The bytes, with a NUL behind them; owned by the table. */
const char *intern_text(const struct intern *n, size_t number, size_t *length);

#endif /* EXPORT_INTERN_H */
