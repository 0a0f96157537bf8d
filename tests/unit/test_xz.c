/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How large an xz file becomes is known from its chunks, whatever its index says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/symbol/xz.h"

/* Of a stream with CRC32 and of a block with LZMA2 alone. */
static const uint8_t headers[] = {0xfd, '7',  'z', 'X', 'Z',  0, 0, 1, 0x69, 0x22, 0xde, 0x36,
				  0x02, 0x00, 33,  1,	0x16, 0, 0, 0, 0x74, 0x2f, 0xe5, 0xa3};

static size_t make(uint8_t *out, size_t chunks, const uint8_t *chunk, size_t chunk_bytes)
{
	size_t at = sizeof(headers);

	memcpy(out, headers, at);
	for (size_t i = 0; i < chunks; i++) {
		memcpy(out + at, chunk, chunk_bytes);
		at += chunk_bytes;
	}
	out[at++] = 0;
	while (at % 4)
		out[at++] = 0;
	memset(out + at, 0xaa, 4);
	at += 4;
	/* the index, and what follows it */
	memset(out + at, 0, 16);
	return at + 16;
}

static void xz_unpacked_bytes__stored_chunk__its_size(void **state)
{
	uint8_t file[256], chunk[3 + 54] = {1, 0, 53};

	(void)state;
	assert_int_equal(xz_unpacked_bytes(file, make(file, 1, chunk, sizeof(chunk))), 54);
	assert_int_equal(xz_unpacked_bytes(file, make(file, 2, chunk, sizeof(chunk))), 108);
	assert_int_equal(xz_unpacked_bytes(file, make(file, 0, chunk, sizeof(chunk))), 0);
}

/* 2 MB from a few bytes, a thousand times. */
static void xz_unpacked_bytes__bomb__all_of_it(void **state)
{
	static const uint8_t chunk[6 + 8] = {0xff, 0xff, 0xff, 0, 7, 0x5d};
	uint8_t *file = malloc(1000 * sizeof(chunk) + 64);

	(void)state;
	assert_non_null(file);
	assert_int_equal(xz_unpacked_bytes(file, make(file, 1000, chunk, sizeof(chunk))),
			 1000ull << 21);
	free(file);
}

static void xz_unpacked_bytes__cut_or_other__unknown(void **state)
{
	static const uint8_t lzma_alone[16] = {0x5d, 0, 0, 0x80};
	uint8_t file[256], chunk[3 + 54] = {1, 0, 53};
	size_t size = make(file, 1, chunk, sizeof(chunk));

	(void)state;
	for (size_t cut = 0; cut <= size - 16; cut++)
		assert_true(xz_unpacked_bytes(file, cut) == UINT64_MAX);
	assert_true(xz_unpacked_bytes(lzma_alone, sizeof(lzma_alone)) == UINT64_MAX);
	file[13] = 1; /* two filters */
	assert_true(xz_unpacked_bytes(file, size) == UINT64_MAX);
	file[13] = 0;
	file[24] = 0x40; /* no such chunk */
	assert_true(xz_unpacked_bytes(file, size) == UINT64_MAX);
}

/* What the tool makes, where there is one. */
static void xz_unpacked_bytes__files_of_xz__exact(void **state)
{
	static uint8_t file[65536];
	FILE *xz;
	size_t size;

	(void)state;
	xz = popen("head -c 5000000 /dev/zero | xz -c 2>/dev/null", "re");
	assert_non_null(xz);
	size = fread(file, 1, sizeof(file), xz);
	if (pclose(xz) != 0 || size == 0)
		skip();
	assert_int_equal(xz_unpacked_bytes(file, size), 5000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xz_unpacked_bytes__stored_chunk__its_size),
		cmocka_unit_test(xz_unpacked_bytes__bomb__all_of_it),
		cmocka_unit_test(xz_unpacked_bytes__cut_or_other__unknown),
		cmocka_unit_test(xz_unpacked_bytes__files_of_xz__exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
