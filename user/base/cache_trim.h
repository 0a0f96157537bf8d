/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps a cache directory (cache_dir.h) from growing. Any thread. */
#ifndef BASE_CACHE_TRIM_H
#define BASE_CACHE_TRIM_H

#include <stdint.h>

/*
 * Removes files whose names end in `suffix`, the longest unused first, until the others have at most
 * max_bytes, and what killed tracers left half written. Bytes that remain.
 */
uint64_t cache_trim(int dir, const char *suffix, uint64_t max_bytes);
/* It was used just now. */
void cache_touch(int dir, const char *name);

#endif /* BASE_CACHE_TRIM_H */
