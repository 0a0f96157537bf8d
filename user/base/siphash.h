/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-2-4 with 128 bits: a digest under a secret key. Who does not know the key cannot make two
 * inputs with the same digest, and it is fast enough for megabytes. Any thread.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t words[2];
};

struct siphash {
	uint64_t v[4];
	uint8_t rest[8]; /* bytes that fill no word yet */
	uint64_t bytes;
};

void siphash_begin(struct siphash *s, const struct siphash_key *key);
void siphash_add(struct siphash *s, const void *data, size_t bytes);
/* The state cannot be used any more. */
void siphash_end(struct siphash *s, uint64_t digest[2]);

#endif /* BASE_SIPHASH_H */
