/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a call gets as an argument, where that is the address of something in the program: by the instructions before the call. Pure. */
#ifndef SYMBOL_GO_ARGUMENT_H
#define SYMBOL_GO_ARGUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decoder;

/* The code of a function as it is in its file, from its first instruction on. */
struct go_body {
	const uint8_t *bytes;
	size_t size;
	uint64_t start; /* ELF address */
};

/*
 * The address that is in a general register, numbered as the hardware does, when the call is made that returns to `returns_to`. False: there
 * is no such call, or it is not certain.
 */
bool go_argument(struct decoder *d, const struct go_body *body, uint64_t returns_to,
		 unsigned int reg, uint64_t *address);

#endif /* SYMBOL_GO_ARGUMENT_H */
