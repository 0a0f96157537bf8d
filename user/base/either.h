/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A choice that nothing foretells, without a branch: one that is guessed wrongly costs as much as thirty instructions. */
#ifndef BASE_EITHER_H
#define BASE_EITHER_H

#include <stdint.h>

/* a when `first` is 1, b when it is 0; whatever the compiler thinks of it. */
static inline uint64_t either(uint64_t first, uint64_t a, uint64_t b)
{
	return b ^ ((a ^ b) & -first);
}

#endif /* BASE_EITHER_H */
