/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocator functions of one file, before and after it is decided which of them the process uses.
 */
#ifndef TARGET_CANDIDATES_H
#define TARGET_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "allocators.h"

struct elf_file;
struct files;
struct mapped_file;

struct candidate {
	struct allocator_name meaning;
	char *symbol;		/* owned */
	uint64_t entry;		/* where the symbol is */
	uint64_t address, size; /* what it stands for: another entry when it only jumps there */
	bool ifunc;		/* entry is that of the resolver */
	bool is_local;		/* STB_LOCAL */
	bool is_dynamic;	/* other modules can bind to it */
	bool chosen;
};

struct candidates {
	struct candidate *data;
	size_t count, capacity;
	bool has_malloc; /* of its own, by whatever name */
	bool is_program; /* the executable */
	bool is_static;	 /* the executable, without an interpreter */
	bool forced;	 /* by -O */
};

/* Every name of the table in the file; `ranges`: also mmap and so on. */
void candidates_collect(struct candidates *c, struct elf_file *elf, bool ranges);
void candidates_done(struct candidates *c);
/* By what the file alone tells: may this be an allocator function of the process? */
bool candidates_eligible(const struct candidates *c, const struct candidate *candidate);
/* The first chosen one with that entry, NULL when there is none. */
struct candidate *candidates_at(const struct candidates *c, uint64_t address);
struct candidate *candidates_named(const struct candidates *c, const char *symbol);

/* Replaces the address of chosen IFUNCs by the one in use; those that cannot be resolved are not
 * chosen any more. */
void candidates_resolve(struct candidates *c, struct files *files, const struct mapped_file *file);
/* A function that only jumps to another chosen one of the same kind becomes an alias of it. */
void candidates_follow_jumps(struct candidates *c, struct elf_file *elf);
/* Gives up each operator new that gets its memory from malloc by a direct call. */
void candidates_drop_wrappers(struct candidates *c, struct elf_file *elf);

#endif /* TARGET_CANDIDATES_H */
