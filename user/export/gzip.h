/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file in the form of gzip (RFC 1952), without a name and a time, piece by piece. One thread at a time. */
#ifndef EXPORT_GZIP_H
#define EXPORT_GZIP_H

#include <zlib.h>
#include "sink.h"

struct gzip {
	struct sink *out; /* its error is that of all that follows */
	z_stream stream;
};

void gzip_begin(struct gzip *g, struct sink *out);
void gzip_add(struct gzip *g, const void *data, size_t size);
/* In any case. */
void gzip_end(struct gzip *g);

#endif /* EXPORT_GZIP_H */
