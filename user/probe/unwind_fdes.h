/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The call frame information of a file: .eh_frame, .debug_frame, and the .debug_frame of a separate
 * debug file, as one list of functions. Any thread; one list belongs to one.
 */
#ifndef PROBE_UNWIND_FDES_H
#define PROBE_UNWIND_FDES_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNWIND_SOURCES	   3
#define UNWIND_CODE_RANGES 16
/* Not a source: the outermost frame, by a guess. */
#define UNWIND_ENTRY UNWIND_SOURCES

struct unwind_source {
	Elf *elf;
	/* of .debug_frame: a file in memory that has nothing else */
	void *image;
	Elf *copy;
	Dwarf *dwarf;
	Dwarf_CFI *cfi; /* of .debug_frame belongs to dwarf */
	Elf_Data *data;
	uint64_t address; /* of the section */
	bool eh;
};

struct unwind_range {
	uint64_t start, end;
};

struct unwind_fde {
	uint64_t start, end;
	int source; /* or UNWIND_ENTRY */
};

struct unwind_fdes {
	struct unwind_source sources[UNWIND_SOURCES];
	int source_count;
	bool refused; /* a section that elfutils must not get */
	struct unwind_range code[UNWIND_CODE_RANGES];
	size_t code_count;
	uint64_t entry;
	struct unwind_fde *fdes;
	size_t count, capacity;
};

/*
 * Borrows both files until unwind_fdes_done(), which is to be called in any case; debug may be NULL.
 * 0, or -errno: ENOEXEC not an ELF file for x86-64, ENODATA without any unwind information, EBADMSG
 * only such as may not be used, E2BIG above a limit, ENOMEM.
 */
int unwind_fdes_read(struct unwind_fdes *f, Elf *elf, Elf *debug);
void unwind_fdes_done(struct unwind_fdes *f);
bool unwind_fdes_is_code(const struct unwind_fdes *f, uint64_t address);

#endif /* PROBE_UNWIND_FDES_H */
