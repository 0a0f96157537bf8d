/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What using an ELF file would cost, before it is used. Any thread. */
#ifndef SYMBOL_SURVEY_H
#define SYMBOL_SURVEY_H

#include <stdbool.h>
#include <stdint.h>
#include <gelf.h>

struct survey {
	uint64_t unpacked_bytes; /* of what is compressed in it */
	bool has_alternate;	 /* names another file by path (.gnu_debugaltlink) */
};

/* False: not a program or library of this machine, or one that unpacks to an absurd size. */
bool survey_elf(Elf *elf, struct survey *survey);

#endif /* SYMBOL_SURVEY_H */
