/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which call frame information elfutils may be given. Any thread. */
#ifndef PROBE_UNWIND_CHECK_H
#define PROBE_UNWIND_CHECK_H

#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdbool.h>

/* `eh`: the section is .eh_frame, not .debug_frame. False: hands off all of it. */
bool unwind_check_section(Elf *elf, Elf_Data *data, bool eh);
/*
 * dwarf_getcfi_elf() without the search table (.eh_frame_hdr): that leads to entries anywhere in the
 * section, also to such that begin within another one and were never checked. To be ended by
 * dwarf_cfi_end().
 */
Dwarf_CFI *unwind_check_open(Elf *elf);
/*
 * elfutils unpacks every section of debug information of a file of which it is to read one. False:
 * that is too much, or it could take another .debug_frame than the one that goes by this name.
 */
bool unwind_check_debug(Elf *elf);

#endif /* PROBE_UNWIND_CHECK_H */
