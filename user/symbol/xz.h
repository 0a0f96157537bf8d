/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an xz file unpacks to, without unpacking it. Any thread. */
#ifndef SYMBOL_XZ_H
#define SYMBOL_XZ_H

#include <stddef.h>
#include <stdint.h>

/* UINT64_MAX: no xz file, or not one as they are made for .gnu_debugdata (LZMA2 alone). */
uint64_t xz_unpacked_bytes(const void *data, size_t size);

#endif /* SYMBOL_XZ_H */
