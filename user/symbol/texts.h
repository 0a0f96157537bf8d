/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings in debug information, which may have no end. One thread at a time. */
#ifndef SYMBOL_TEXTS_H
#define SYMBOL_TEXTS_H

#include <stddef.h>
#include <libelf.h>

#define TEXTS_MAX 16

/* The sections that strings lie in. */
struct texts {
	Elf_Data *v[TEXTS_MAX];
	size_t count;
};

/* Borrows from elf. NULL: there are none. */
void texts_find(struct texts *t, Elf *elf);
/* text, or NULL when it does not end in its section. libdw's own strings lie in none. */
const char *texts_check(const struct texts *t, const char *text);

#endif /* SYMBOL_TEXTS_H */
