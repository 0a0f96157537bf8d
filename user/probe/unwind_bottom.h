/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code that stands at the bottom of a stack without saying so. */
#ifndef PROBE_UNWIND_BOTTOM_H
#define PROBE_UNWIND_BOTTOM_H

#include <gelf.h>
#include <stdbool.h>
#include <stdint.h>

/* Bottoms are looked for in segments of code up to this size: a C library, a static program. */
#define UNWIND_CODE_MAX (4u << 20)

/* What is looked at, of a program header; NULL: nothing. Borrowed from elf. */
Elf_Data *unwind_code(Elf *elf, const GElf_Phdr *p);
/*
 * Does the function at [start, end) begin by taking another stack? makecontext() leaves the address
 * of such a one as the return address of a coroutine's first function (glibc: __start_context).
 */
bool unwind_is_bottom(Elf *elf, uint64_t start, uint64_t end);

#endif /* PROBE_UNWIND_BOTTOM_H */
