/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions, inlined ones and lines of a Go program from the tables that its runtime needs itself (.gopclntab), so that a stripped program
 * has names, too. Strings are borrowed from the file. One thread at a time.
 */
#ifndef SYMBOL_GO_NAMES_H
#define SYMBOL_GO_NAMES_H

#include <stdbool.h>
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

/* ---- for go_alloc.c: ELF addresses, and nothing but what is in the file ---- */

struct go_extent {
	uint64_t start, end; /* of the code; what fills the gap to the next function is in it */
	const char *name;
};

/* The function that has the address in it. False: there is none, or it has no name. */
bool go_names_around(const struct go_names *g, uint64_t address, struct go_extent *f);
/* So many bytes of one section, borrowed; NULL: they are not there. */
const uint8_t *go_names_bytes(const struct go_names *g, uint64_t address, size_t size);
/* Go 1.x; 0: not known. */
unsigned int go_names_minor(const struct go_names *g);
/* Where the program has its types. False: not known of this version. */
bool go_names_types(const struct go_names *g, uint64_t *start, uint64_t *end);

#endif /* SYMBOL_GO_NAMES_H */
