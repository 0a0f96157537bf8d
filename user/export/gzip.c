/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gzip.h"

#include <errno.h>
#include <stdint.h>

/* Of input and of output; takes a millisecond or two. */
#define PIECE_BYTES 65536u
/* zlib's own window, and 16 for a gzip header in the place of zlib's */
#define WINDOW_BITS (15 + 16)

void gzip_begin(struct gzip *g, struct sink *out)
{
	*g = (struct gzip){.out = out};
	if (deflateInit2(&g->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		out->error = -ENOMEM;
}

/* Everything that zlib has to say to its input so far. */
static void drain(struct gzip *g, int flush)
{
	z_stream *z = &g->stream;
	unsigned char piece[PIECE_BYTES];

	do {
		z->next_out = piece;
		z->avail_out = sizeof(piece);
		deflate(z, flush);
		buffer_add(&g->out->text, piece, sizeof(piece) - z->avail_out);
	} while (!sink_spill(g->out) && z->avail_out == 0);
}

void gzip_add(struct gzip *g, const void *data, size_t size)
{
	g->stream.next_in = (unsigned char *)(uintptr_t)data;
	while (size && !g->out->error) {
		g->stream.avail_in = size < PIECE_BYTES ? (unsigned int)size : PIECE_BYTES;
		size -= g->stream.avail_in;
		drain(g, Z_NO_FLUSH);
	}
}

void gzip_end(struct gzip *g)
{
	if (!g->out->error)
		drain(g, Z_FINISH);
	deflateEnd(&g->stream);
}
