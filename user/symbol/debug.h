/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address in a file -> function, source file, line and inlined functions, from symbol tables and
 * debug information (libdwfl). Files are opened when first asked for; only a bounded number stays
 * open. One thread at a time.
 */
#ifndef SYMBOL_DEBUG_H
#define SYMBOL_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEBUG_MAX_FRAMES 64

struct image;
struct debug;

struct debug_frame {
	const char *function; /* symbol, mangled; NULL: not known */
	uint64_t start; /* ELF address where the function starts; valid when function is set */
	const char *file;
	int line;
	bool inlined; /* into the next frame's function */
};

struct debug *debug_new(void);
void debug_free(struct debug *d);
/*
 * Frames of a return address, innermost first; at least one, which may be empty. address is an ELF
 * virtual address of the image. Strings are borrowed until the next call.
 */
size_t debug_resolve(struct debug *d, const struct image *image, uint64_t address,
		     struct debug_frame frames[DEBUG_MAX_FRAMES]);
/* An estimate: the libraries do not tell. */
size_t debug_memory(const struct debug *d);

#endif /* SYMBOL_DEBUG_H */
