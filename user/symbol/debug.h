/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address in a file -> function, source file, line and inlined functions, from symbol tables and
 * debug information (libdwfl). Files are opened when first asked for; only a bounded number stays
 * open, in bounded memory. May take seconds. One thread at a time, but for debug_cancel().
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
	/* what is allocated by the call that returns to the address, of the first frame only; NULL: not known */
	const char *type;
};

struct debug *debug_new(void);
void debug_free(struct debug *d);
/*
 * Frames of a return address, innermost first; at least one, which may be empty. address is an ELF
 * virtual address of the image. Strings are borrowed until the next call, and lie in files that may
 * shrink: the caller is between guard_begin() and guard_end() until it has copied them.
 */
size_t debug_resolve(struct debug *d, const struct image *image, uint64_t address,
		     struct debug_frame frames[DEBUG_MAX_FRAMES]);
/* True when the servers of DEBUGINFOD_URLS may know more about this image than debug_resolve() did. */
bool debug_may_ask(const struct debug *d, const struct image *image);
/* Asks them, in the background: done is called in another thread. False: cannot now. */
bool debug_ask(struct debug *d, const struct image *image, void (*done)(void *), void *context);
/* After done: debug_resolve() knows more, if there was more. */
void debug_take_answer(struct debug *d);
/* Any thread: ends debug_ask() soon. */
void debug_cancel(struct debug *d);

#endif /* SYMBOL_DEBUG_H */
