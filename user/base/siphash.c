// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SipHash (Aumasson and Bernstein, 2012) with two rounds for each word and four at the end. The
 * words of its constants are those of the paper: "somepseudorandomlygeneratedbytes".
 */
#include "siphash.h"

#include <string.h>

static uint64_t rotate(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void round_of(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static inline void add_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	round_of(v);
	round_of(v);
	v[0] ^= word;
}

void siphash_begin(struct siphash *s, const struct siphash_key *key)
{
	uint64_t a = key->words[0], b = key->words[1];

	*s = (struct siphash){.v = {a ^ 0x736f6d6570736575ull, b ^ 0x646f72616e646f6dull ^ 0xee,
				    a ^ 0x6c7967656e657261ull, b ^ 0x7465646279746573ull}};
}

void siphash_add(struct siphash *s, const void *data, size_t bytes)
{
	size_t held = s->bytes % 8, n;
	const uint8_t *at = data;
	uint64_t v[4], word;

	s->bytes += bytes;
	if (held) {
		n = bytes < 8 - held ? bytes : 8 - held;
		memcpy(s->rest + held, at, n);
		if (held + n < 8)
			return;
		memcpy(&word, s->rest, 8);
		add_word(s->v, word);
		at += n;
		bytes -= n;
	}
	memcpy(v, s->v, sizeof(v));
	for (; bytes >= 8; at += 8, bytes -= 8) {
		memcpy(&word, at, 8);
		add_word(v, word);
	}
	memcpy(s->v, v, sizeof(v));
	if (bytes)
		memcpy(s->rest, at, bytes);
}

static uint64_t four_rounds(uint64_t v[4])
{
	int i;

	for (i = 0; i < 4; i++)
		round_of(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void siphash_end(struct siphash *s, uint64_t digest[2])
{
	uint64_t last = 0;

	memcpy(&last, s->rest, s->bytes % 8);
	add_word(s->v, last | s->bytes << 56);
	s->v[2] ^= 0xee;
	digest[0] = four_rounds(s->v);
	s->v[1] ^= 0xdd;
	digest[1] = four_rounds(s->v);
}
