/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which call frame information elfutils may be given. Any thread. */
#ifndef PROBE_UNWIND_CHECK_H
#define PROBE_UNWIND_CHECK_H

#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the program of one function: it is run anew for each of its rows. */
#define UNWIND_FDE_PROGRAM_MAX (1u << 20)

/* Bytes of an address that is written in this way (DW_EH_PE_*); 0: not known here. */
size_t unwind_encoded_size(uint8_t encoding);

/* `eh`: the section is .eh_frame, not .debug_frame. False: hands off all of it. */
bool unwind_check_section(Elf *elf, Elf_Data *data, bool eh);
/*
 * dwarf_getcfi_elf() without the search table: it leads to entries anywhere in the section, also to
 * such that begin within another one and were never checked.
 */
Dwarf_CFI *unwind_check_cfi(Elf *elf);

#endif /* PROBE_UNWIND_CHECK_H */
