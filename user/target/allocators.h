/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which symbol names are allocator functions, and what each means. Pure. */
#ifndef TARGET_ALLOCATORS_H
#define TARGET_ALLOCATORS_H

#include <stdbool.h>
#include <stddef.h>
#include "../../include/calls.h"

enum allocator_class {
	ALLOCATOR_C = 0,   /* malloc, free, mallocx: bound by name over the whole process */
	ALLOCATOR_CXX = 1, /* operator new and delete */
	ALLOCATOR_PREFIXED =
		2, /* je_malloc, tc_new: nobody else has that name, a local symbol will do */
	ALLOCATOR_LIBC = 3,  /* __libc_malloc: counts only where the address has no other name */
	ALLOCATOR_RANGE = 4, /* mmap, munmap, mremap */
};

struct allocator_name {
	enum call_id call;
	enum allocator_class class;
};

/* False when `symbol` is not the name of an allocator function. */
bool allocators_find(const char *symbol, struct allocator_name *name);
/* The names of the table without those by rule (prefix), one after the other; NULL at the end. */
const char *allocators_symbol(size_t index);
/* The kind of a call, from the table of calls. */
enum call_kind allocators_kind(enum call_id call);
/* The call returns a block. */
bool allocators_allocates(enum call_id call);

#endif /* TARGET_ALLOCATORS_H */
