/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a Go program allocates where: the type that the compiler gives to the function of the runtime that it calls. All of it is in the
 * program's file, stripped ones included. One thread at a time.
 */
#ifndef SYMBOL_GO_ALLOC_H
#define SYMBOL_GO_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a type's name with its end; a longer one is cut. */
#define GO_ALLOC_TEXT 256

struct go_alloc;
struct go_names;

/* NULL: it is not known where the program has its types. Borrows the tables until go_alloc_free(). */
struct go_alloc *go_alloc_new(const struct go_names *names);
void go_alloc_free(struct go_alloc *a);
/*
 * The type of what is allocated by the call that returns to this ELF address, such as "main.node", "[]main.node" or "map[string]int". Borrowed
 * until the next call. NULL: it allocates nothing, or the type is not certain.
 */
const char *go_alloc_type(struct go_alloc *a, uint64_t returns_to);

#endif /* SYMBOL_GO_ALLOC_H */
