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
 * dwarf_getcfi_elf() without the search table: it leads to entries anywhere in the section, also to
 * such that begin within another one and were never checked.
 */
Dwarf_CFI *unwind_check_cfi(Elf *elf);

#endif /* PROBE_UNWIND_CHECK_H */
