/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which call frame information elfutils may be given. Any thread. */
#ifndef PROBE_UNWIND_CHECK_H
#define PROBE_UNWIND_CHECK_H

#include <libelf.h>
#include <stdbool.h>

/* `eh`: the section is .eh_frame, not .debug_frame. False: hands off all of it. */
bool unwind_check_section(Elf *elf, Elf_Data *data, bool eh);
/*
 * Takes the search table away from the section that it belongs to: it leads to entries anywhere in
 * it, also to such that begin within another one and were never checked.
 */
void unwind_check_hide_table(Elf *elf);

#endif /* PROBE_UNWIND_CHECK_H */
