/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gzip.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <zlib.h>

#define PIECE_BYTES 65536
/* zlib's own window, and 16 for a gzip header in the place of zlib's */
#define WINDOW_BITS (15 + 16)

/* Everything that zlib has to say to its input so far. */
static void drain(struct sink *out, z_stream *z, int flush)
{
	unsigned char piece[PIECE_BYTES];

	do {
		z->next_out = piece;
		z->avail_out = sizeof(piece);
		deflate(z, flush);
		buffer_add(&out->text, piece, sizeof(piece) - z->avail_out);
	} while (z->avail_out == 0 && !sink_spill(out));
}

void gzip_add(struct sink *out, const void *data, size_t size)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)data};

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK) {
		out->error = -ENOMEM;
		return;
	}
	while (size > UINT_MAX && !out->error) {
		z.avail_in = UINT_MAX;
		size -= UINT_MAX;
		drain(out, &z, Z_NO_FLUSH);
	}
	z.avail_in = (unsigned int)size;
	if (!out->error)
		drain(out, &z, Z_FINISH);
	deflateEnd(&z);
}
