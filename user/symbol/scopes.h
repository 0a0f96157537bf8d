/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines and inlined functions of one file from its DWARF. Strings live as long as the scopes. One
 * thread at a time. */
#ifndef SYMBOL_SCOPES_H
#define SYMBOL_SCOPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <elfutils/libdwfl.h>
#include "debug.h"

struct pages;
struct scopes;

/* NULL when there is no debug information. The module and the pages must live longer. */
struct scopes *scopes_new(Dwfl_Module *module, struct pages *pages);
void scopes_free(struct scopes *s);
/* The module of before is gone, this one is of the same file: what was indexed stays. False: it has no
 * debug information any more. */
bool scopes_attach(struct scopes *s, Dwfl_Module *module);
/*
 * Innermost first; the last frame is the function that is there in machine code (function NULL: not
 * known). 0 when the debug information does not cover the address.
 */
size_t scopes_find(struct scopes *s, uint64_t address, struct debug_frame frames[DEBUG_MAX_FRAMES]);

#endif /* SYMBOL_SCOPES_H */
