/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols as people write them: C++, Rust and D names without parameters, return types and hashes.
 * Any thread. */
#ifndef SYMBOL_DEMANGLE_H
#define SYMBOL_DEMANGLE_H

#include <stddef.h>

/* Longer symbols stay mangled, longer results are cut and end in "...". */
#define DEMANGLE_MAX 4096

/*
 * Writes the bare name of `symbol` to out, NUL-terminated, at most size - 1 bytes. What is not
 * mangled is copied; symbol versions ("@@GLIBC_2.2.5") are removed. Returns the length. size is at
 * least 8.
 */
size_t demangle(const char *symbol, char *out, size_t size);

#endif /* SYMBOL_DEMANGLE_H */
