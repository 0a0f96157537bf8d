/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of allocator functions: symbol name -> row of CALLS. Mangled forms are those of the
 * Itanium ABI with size_t = unsigned long. Names in the table with the prefixes of jemalloc,
 * tcmalloc and mimalloc differ from the C names; the prefix alone before a C name is handled by
 * rule. Invariant: NAMES is sorted by strcmp (asserted by the test), so that millions of symbols
 * can be looked up.
 *
 * Left out on purpose: what only calls another row (the C library's strdup; mimalloc's own allocates
 * without one); mimalloc's mi_heap_*, because
 * mi_heap_destroy releases blocks without a call for each; mi_new_n and mi_new_realloc*, which may
 * throw and whose argument rows may not have a return probe; names that are not defined to allocate
 * (malloc_usable_size, nallocx).
 */
#include "allocators.h"

#include <stdlib.h>
#include <string.h>

struct row {
	const char *symbol;
	enum call_id call;
	enum allocator_class class;
};

/* clang-format off */
static const struct row NAMES[] = {
	{"_ZdaPv", CALL_ID_DELETE_ARRAY, ALLOCATOR_CXX},
	{"_ZdaPvRKSt9nothrow_t", CALL_ID_DELETE_ARRAY, ALLOCATOR_CXX},
	{"_ZdaPvSt11align_val_t", CALL_ID_DELETE_ARRAY, ALLOCATOR_CXX},
	{"_ZdaPvSt11align_val_tRKSt9nothrow_t", CALL_ID_DELETE_ARRAY, ALLOCATOR_CXX},
	{"_ZdaPvm", CALL_ID_DELETE_ARRAY, ALLOCATOR_CXX},
	{"_ZdaPvmRKSt9nothrow_t", CALL_ID_DELETE_ARRAY, ALLOCATOR_CXX},
	{"_ZdaPvmSt11align_val_t", CALL_ID_DELETE_ARRAY, ALLOCATOR_CXX},
	{"_ZdaPvmSt11align_val_tRKSt9nothrow_t", CALL_ID_DELETE_ARRAY, ALLOCATOR_CXX},
	{"_ZdlPv", CALL_ID_DELETE, ALLOCATOR_CXX},
	{"_ZdlPvRKSt9nothrow_t", CALL_ID_DELETE, ALLOCATOR_CXX},
	{"_ZdlPvSt11align_val_t", CALL_ID_DELETE, ALLOCATOR_CXX},
	{"_ZdlPvSt11align_val_tRKSt9nothrow_t", CALL_ID_DELETE, ALLOCATOR_CXX},
	{"_ZdlPvm", CALL_ID_DELETE, ALLOCATOR_CXX},
	{"_ZdlPvmRKSt9nothrow_t", CALL_ID_DELETE, ALLOCATOR_CXX},
	{"_ZdlPvmSt11align_val_t", CALL_ID_DELETE, ALLOCATOR_CXX},
	{"_ZdlPvmSt11align_val_tRKSt9nothrow_t", CALL_ID_DELETE, ALLOCATOR_CXX},
	{"_Znam", CALL_ID_NEW_ARRAY, ALLOCATOR_CXX},
	{"_Znam12__hot_cold_t", CALL_ID_NEW_ARRAY, ALLOCATOR_CXX},
	{"_ZnamRKSt9nothrow_t", CALL_ID_NEW_ARRAY_NOTHROW, ALLOCATOR_CXX},
	{"_ZnamRKSt9nothrow_t12__hot_cold_t", CALL_ID_NEW_ARRAY_NOTHROW, ALLOCATOR_CXX},
	{"_ZnamSt11align_val_t", CALL_ID_NEW_ARRAY_ALIGNED, ALLOCATOR_CXX},
	{"_ZnamSt11align_val_t12__hot_cold_t", CALL_ID_NEW_ARRAY_ALIGNED, ALLOCATOR_CXX},
	{"_ZnamSt11align_val_tRKSt9nothrow_t", CALL_ID_NEW_ARRAY_ALIGNED_NOTHROW, ALLOCATOR_CXX},
	{"_ZnamSt11align_val_tRKSt9nothrow_t12__hot_cold_t",
	 CALL_ID_NEW_ARRAY_ALIGNED_NOTHROW, ALLOCATOR_CXX},
	{"_Znwm", CALL_ID_NEW, ALLOCATOR_CXX},
	{"_Znwm12__hot_cold_t", CALL_ID_NEW, ALLOCATOR_CXX},
	{"_ZnwmRKSt9nothrow_t", CALL_ID_NEW_NOTHROW, ALLOCATOR_CXX},
	{"_ZnwmRKSt9nothrow_t12__hot_cold_t", CALL_ID_NEW_NOTHROW, ALLOCATOR_CXX},
	{"_ZnwmSt11align_val_t", CALL_ID_NEW_ALIGNED, ALLOCATOR_CXX},
	{"_ZnwmSt11align_val_t12__hot_cold_t", CALL_ID_NEW_ALIGNED, ALLOCATOR_CXX},
	{"_ZnwmSt11align_val_tRKSt9nothrow_t", CALL_ID_NEW_ALIGNED_NOTHROW, ALLOCATOR_CXX},
	{"_ZnwmSt11align_val_tRKSt9nothrow_t12__hot_cold_t",
	 CALL_ID_NEW_ALIGNED_NOTHROW, ALLOCATOR_CXX},
	{"__size_returning_new", CALL_ID_NEW, ALLOCATOR_PREFIXED},
	{"__size_returning_new_aligned", CALL_ID_NEW_ALIGNED, ALLOCATOR_PREFIXED},
	{"__size_returning_new_aligned_hot_cold", CALL_ID_NEW_ALIGNED, ALLOCATOR_PREFIXED},
	{"__size_returning_new_hot_cold", CALL_ID_NEW, ALLOCATOR_PREFIXED},
	{"aligned_alloc", CALL_ID_ALIGNED_ALLOC, ALLOCATOR_C},
	{"calloc", CALL_ID_CALLOC, ALLOCATOR_C},
	{"cfree", CALL_ID_CFREE, ALLOCATOR_C},
	{"dallocx", CALL_ID_DALLOCX, ALLOCATOR_C},
	{"free", CALL_ID_FREE, ALLOCATOR_C},
	{"free_aligned_sized", CALL_ID_FREE_ALIGNED_SIZED, ALLOCATOR_C},
	{"free_sized", CALL_ID_FREE_SIZED, ALLOCATOR_C},
	{"malloc", CALL_ID_MALLOC, ALLOCATOR_C},
	{"mallocx", CALL_ID_MALLOCX, ALLOCATOR_C},
	{"memalign", CALL_ID_MEMALIGN, ALLOCATOR_C},
	{"mi_calloc_aligned", CALL_ID_CALLOC, ALLOCATOR_PREFIXED},
	{"mi_calloc_aligned_at", CALL_ID_CALLOC, ALLOCATOR_PREFIXED},
	{"mi_expand", CALL_ID_REALLOC, ALLOCATOR_PREFIXED},
	{"mi_free_aligned", CALL_ID_FREE, ALLOCATOR_PREFIXED},
	{"mi_free_size", CALL_ID_FREE_SIZED, ALLOCATOR_PREFIXED},
	{"mi_free_size_aligned", CALL_ID_FREE_ALIGNED_SIZED, ALLOCATOR_PREFIXED},
	{"mi_malloc_aligned", CALL_ID_MALLOC, ALLOCATOR_PREFIXED},
	{"mi_malloc_aligned_at", CALL_ID_MALLOC, ALLOCATOR_PREFIXED},
	{"mi_malloc_small", CALL_ID_MALLOC, ALLOCATOR_PREFIXED},
	{"mi_mallocn", CALL_ID_CALLOC, ALLOCATOR_PREFIXED},
	{"mi_new", CALL_ID_NEW, ALLOCATOR_PREFIXED},
	{"mi_new_aligned", CALL_ID_NEW_ALIGNED, ALLOCATOR_PREFIXED},
	{"mi_new_aligned_nothrow", CALL_ID_NEW_ALIGNED_NOTHROW, ALLOCATOR_PREFIXED},
	{"mi_new_nothrow", CALL_ID_NEW_NOTHROW, ALLOCATOR_PREFIXED},
	{"mi_realloc_aligned", CALL_ID_REALLOC, ALLOCATOR_PREFIXED},
	{"mi_realloc_aligned_at", CALL_ID_REALLOC, ALLOCATOR_PREFIXED},
	{"mi_reallocn", CALL_ID_REALLOCARRAY, ALLOCATOR_PREFIXED},
	{"mi_recalloc", CALL_ID_REALLOCARRAY, ALLOCATOR_PREFIXED},
	{"mi_recalloc_aligned", CALL_ID_REALLOCARRAY, ALLOCATOR_PREFIXED},
	{"mi_recalloc_aligned_at", CALL_ID_REALLOCARRAY, ALLOCATOR_PREFIXED},
	{"mi_rezalloc", CALL_ID_REALLOC, ALLOCATOR_PREFIXED},
	{"mi_rezalloc_aligned", CALL_ID_REALLOC, ALLOCATOR_PREFIXED},
	{"mi_rezalloc_aligned_at", CALL_ID_REALLOC, ALLOCATOR_PREFIXED},
	{"mi_strdup", CALL_ID_STRDUP, ALLOCATOR_PREFIXED},
	{"mi_strndup", CALL_ID_STRNDUP, ALLOCATOR_PREFIXED},
	{"mi_zalloc", CALL_ID_MALLOC, ALLOCATOR_PREFIXED},
	{"mi_zalloc_aligned", CALL_ID_MALLOC, ALLOCATOR_PREFIXED},
	{"mi_zalloc_aligned_at", CALL_ID_MALLOC, ALLOCATOR_PREFIXED},
	{"mi_zalloc_small", CALL_ID_MALLOC, ALLOCATOR_PREFIXED},
	{"mmap", CALL_ID_MMAP, ALLOCATOR_RANGE},
	{"mmap64", CALL_ID_MMAP, ALLOCATOR_RANGE},
	{"mremap", CALL_ID_MREMAP, ALLOCATOR_RANGE},
	{"munmap", CALL_ID_MUNMAP, ALLOCATOR_RANGE},
	{"posix_memalign", CALL_ID_POSIX_MEMALIGN, ALLOCATOR_C},
	{"pvalloc", CALL_ID_PVALLOC, ALLOCATOR_C},
	{"rallocx", CALL_ID_RALLOCX, ALLOCATOR_C},
	{"realloc", CALL_ID_REALLOC, ALLOCATOR_C},
	{"reallocarray", CALL_ID_REALLOCARRAY, ALLOCATOR_C},
	{"reallocf", CALL_ID_REALLOCF, ALLOCATOR_C},
	{"sdallocx", CALL_ID_SDALLOCX, ALLOCATOR_C},
	{"tc_delete", CALL_ID_DELETE, ALLOCATOR_PREFIXED},
	{"tc_delete_aligned", CALL_ID_DELETE, ALLOCATOR_PREFIXED},
	{"tc_delete_aligned_nothrow", CALL_ID_DELETE, ALLOCATOR_PREFIXED},
	{"tc_delete_nothrow", CALL_ID_DELETE, ALLOCATOR_PREFIXED},
	{"tc_delete_sized", CALL_ID_DELETE, ALLOCATOR_PREFIXED},
	{"tc_delete_sized_aligned", CALL_ID_DELETE, ALLOCATOR_PREFIXED},
	{"tc_deletearray", CALL_ID_DELETE_ARRAY, ALLOCATOR_PREFIXED},
	{"tc_deletearray_aligned", CALL_ID_DELETE_ARRAY, ALLOCATOR_PREFIXED},
	{"tc_deletearray_aligned_nothrow", CALL_ID_DELETE_ARRAY, ALLOCATOR_PREFIXED},
	{"tc_deletearray_nothrow", CALL_ID_DELETE_ARRAY, ALLOCATOR_PREFIXED},
	{"tc_deletearray_sized", CALL_ID_DELETE_ARRAY, ALLOCATOR_PREFIXED},
	{"tc_deletearray_sized_aligned", CALL_ID_DELETE_ARRAY, ALLOCATOR_PREFIXED},
	{"tc_malloc_skip_new_handler", CALL_ID_MALLOC, ALLOCATOR_PREFIXED},
	{"tc_new", CALL_ID_NEW, ALLOCATOR_PREFIXED},
	{"tc_new_aligned", CALL_ID_NEW_ALIGNED, ALLOCATOR_PREFIXED},
	{"tc_new_aligned_nothrow", CALL_ID_NEW_ALIGNED_NOTHROW, ALLOCATOR_PREFIXED},
	{"tc_new_nothrow", CALL_ID_NEW_NOTHROW, ALLOCATOR_PREFIXED},
	{"tc_newarray", CALL_ID_NEW_ARRAY, ALLOCATOR_PREFIXED},
	{"tc_newarray_aligned", CALL_ID_NEW_ARRAY_ALIGNED, ALLOCATOR_PREFIXED},
	{"tc_newarray_aligned_nothrow", CALL_ID_NEW_ARRAY_ALIGNED_NOTHROW, ALLOCATOR_PREFIXED},
	{"tc_newarray_nothrow", CALL_ID_NEW_ARRAY_NOTHROW, ALLOCATOR_PREFIXED},
	{"valloc", CALL_ID_VALLOC, ALLOCATOR_C},
	{"xallocx", CALL_ID_XALLOCX, ALLOCATOR_C},
};

static const struct {
	const char *prefix;
	enum allocator_class class;
} PREFIXES[] = {
	{"__libc_", ALLOCATOR_LIBC},
	{"_rjem_",  ALLOCATOR_PREFIXED},
	{"je_",     ALLOCATOR_PREFIXED},
	{"mi_",     ALLOCATOR_PREFIXED},
	{"tc_",     ALLOCATOR_PREFIXED},
};

static const enum call_kind KINDS[] = {
#define X(id, name, kind, flags) [CALL_ID_##id] = kind,
	CALLS(X)
#undef X
};
/* clang-format on */

static int compare_symbol(const void *key, const void *row)
{
	return strcmp(key, ((const struct row *)row)->symbol);
}

static const struct row *find_row(const char *symbol)
{
	return bsearch(symbol, NAMES, sizeof(NAMES) / sizeof(NAMES[0]), sizeof(NAMES[0]),
		       compare_symbol);
}

static const struct row *find_prefixed(const char *symbol, enum allocator_class *class)
{
	for (size_t i = 0; i < sizeof(PREFIXES) / sizeof(PREFIXES[0]); i++) {
		size_t length = strlen(PREFIXES[i].prefix);
		const struct row *row;

		if (strncmp(symbol, PREFIXES[i].prefix, length) != 0)
			continue;
		row = find_row(symbol + length);
		*class = PREFIXES[i].class;
		return row && row->class == ALLOCATOR_C ? row : NULL;
	}
	return NULL;
}

bool allocators_find(const char *symbol, struct allocator_name *name)
{
	const struct row *row = find_row(symbol);

	name->call = CALL_ID_NONE;
	name->class = row ? row->class : ALLOCATOR_C;
	if (!row)
		row = find_prefixed(symbol, &name->class);
	if (row)
		name->call = row->call;
	return row != NULL;
}

const char *allocators_symbol(size_t index)
{
	return index < sizeof(NAMES) / sizeof(NAMES[0]) ? NAMES[index].symbol : NULL;
}

enum call_kind allocators_kind(enum call_id call)
{
	return (size_t)call < sizeof(KINDS) / sizeof(KINDS[0]) ? KINDS[call] : CALL_NONE;
}

bool allocators_allocates(enum call_id call)
{
	switch (allocators_kind(call)) {
	case CALL_ALLOC_SIZE0:
	case CALL_ALLOC_SIZE1:
	case CALL_ALLOC_PRODUCT:
	case CALL_POSIX_MEMALIGN: return true;
	default: return false;
	}
}
