/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions of a file's symbol tables, sorted. Names are borrowed from the module. One thread
 * at a time. */
#ifndef SYMBOL_SYMBOLS_H
#define SYMBOL_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>
#include <elfutils/libdwfl.h>

struct pages;
struct symbols;

/* Never NULL; empty when the file has no symbols. The module must live longer. */
struct symbols *symbols_new(Dwfl_Module *module, struct pages *pages);
void symbols_free(struct symbols *s);
/* The module of before is gone, this one is of the same files: the index stays. */
void symbols_attach(struct symbols *s, Dwfl_Module *module);
/* The function that contains the address, and where it starts; NULL: none. */
const char *symbols_find(struct symbols *s, uint64_t address, uint64_t *start);

#endif /* SYMBOL_SYMBOLS_H */
