/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that do not fit become the nearest one that does. */
#ifndef BASE_CLAMP_H
#define BASE_CLAMP_H

#include <stdint.h>

static inline uint32_t clamp_u32(uint64_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

#endif /* BASE_CLAMP_H */
