/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hash of texts and numbers. Site ids are made of it and are kept in files that are compared between
 * runs: the result must never change, on any machine, so it works on values and single bytes and
 * never on memory of wider types.
 */
#ifndef BASE_MIX_H
#define BASE_MIX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t mix_u64(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93ull;
	return hash ^ hash >> 29;
}

static inline uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t count)
{
	const unsigned char *p = bytes;

	hash = mix_u64(hash, count);
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ull;
	return mix_u64(hash, 0);
}

static inline uint64_t mix_text(uint64_t hash, const char *text)
{
	return mix_bytes(hash, text, strlen(text));
}

#endif /* BASE_MIX_H */
