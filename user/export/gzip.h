/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORT_GZIP_H
#define EXPORT_GZIP_H

#include "sink.h"

/* Adds the bytes in the form of gzip (RFC 1952), without a name and a time. */
void gzip_add(struct sink *out, const void *data, size_t size);

#endif /* EXPORT_GZIP_H */
