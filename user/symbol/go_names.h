/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions, inlined ones and lines of a Go program from the tables that its runtime needs itself (.gopclntab), so that a stripped program
 * has names, too. Strings are borrowed from the file. One thread at a time.
 */
#ifndef SYMBOL_GO_NAMES_H
#define SYMBOL_GO_NAMES_H

#include <stddef.h>
#include <stdint.h>
#include <libelf.h>
#include "debug.h"

struct go_names;

/* NULL: there are no such tables. Borrows the file until go_names_free(). */
struct go_names *go_names_new(Elf *elf);
void go_names_free(struct go_names *g);
/* As scopes_find(); the last frame has its function. */
size_t go_names_find(const struct go_names *g, uint64_t address,
		     struct debug_frame frames[DEBUG_MAX_FRAMES]);

#endif /* SYMBOL_GO_NAMES_H */
