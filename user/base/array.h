/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays that grow with the target. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Room for at least `needed` (not 0) items of `size` bytes: *capacity says for how many, those that are new are zeros. Returns where the
 * array is now, NULL when out of memory (then nothing has changed).
 */
void *array_reserve(void *v, uint32_t *capacity, uint32_t needed, size_t size);

#endif /* BASE_ARRAY_H */
