/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the resident part of mapped files small. One thread at a time. */
#ifndef SYMBOL_PAGES_H
#define SYMBOL_PAGES_H

#include <libelf.h>

struct pages;

struct pages *pages_new(void);
void pages_free(struct pages *p);
/* A file of which libelf reads a mapping, until pages_remove(); others are left alone. */
void pages_add(struct pages *p, Elf *elf);
void pages_remove(struct pages *p, Elf *elf);
/* Gives pages back to the kernel when there are too many: they are read again when they are used.
 * Cheap: to be called once in a thousand steps. */
void pages_relax(struct pages *p);

#endif /* SYMBOL_PAGES_H */
