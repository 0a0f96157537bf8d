/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Knows the names of allocator internals and owns the regular expressions of --skip. Names are
 * demangled and bare (demangle.h), so that one entry stands for every signature and instance.
 *
 * Invariant: only whole names or whole scopes match: a user's "my_malloc" is the user's function.
 */
#include "skip.h"

#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"

void skip_done(struct skip *s)
{
	for (size_t i = 0; i < s->count; i++)
		regfree(&s->v[i]);
	free(s->v);
	*s = (struct skip){0};
}

static const char *skip_error(int code)
{
	switch (code) {
	case REG_BADPAT: return "not a regular expression";
	case REG_ECOLLATE: return "unknown collating element";
	case REG_ECTYPE: return "unknown character class";
	case REG_EESCAPE: return "backslash at the end";
	case REG_ESUBREG: return "reference to a group that is not there";
	case REG_EBRACK: return "[ without ]";
	case REG_EPAREN: return "( without )";
	case REG_EBRACE: return "{ without }";
	case REG_BADBR: return "bad repetition count";
	case REG_ERANGE: return "bad range";
	case REG_ESPACE: return "too large";
	case REG_BADRPT: return "nothing to repeat";
	default: return "not valid";
	}
}

bool skip_add(struct skip *s, const char *regex, const char **error)
{
	regex_t compiled;
	int code = regcomp(&compiled, regex, REG_EXTENDED | REG_NOSUB);

	if (code != 0) {
		*error = skip_error(code);
		return false;
	}
	s->v = xrealloc(s->v, (s->count + 1) * sizeof(*s->v));
	s->v[s->count++] = compiled;
	return true;
}

static bool skip_starts(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static bool skip_ends(const char *name, const char *with)
{
	size_t length = strlen(name), end = strlen(with);

	return length >= end && strcmp(name + length - end, with) == 0;
}

static bool skip_is_exactly(const char *name)
{
	static const char *const names[] = {
		/* the functions themselves, seen from an allocator in front of another one, or from
		   its mmap */
		"malloc",
		"calloc",
		"realloc",
		"reallocarray",
		"reallocf",
		"memalign",
		"posix_memalign",
		"aligned_alloc",
		"valloc",
		"pvalloc",
		"free",
		"cfree",
		"mallocx",
		"rallocx",
		"xallocx",
		"mmap",
		"mmap64",
		"mremap",
		"munmap",
		"operator new",
		"operator new[]",
		"operator delete",
		"operator delete[]",
		/* glibc */
		"__libc_malloc",
		"__libc_calloc",
		"__libc_realloc",
		"__libc_reallocarray",
		"__libc_memalign",
		"__libc_valloc",
		"__libc_pvalloc",
		"__libc_free",
		"__posix_memalign",
		"__mmap",
		"__mmap64",
		"__mremap",
		"__munmap",
		"_int_malloc",
		"_int_realloc",
		"_int_memalign",
		"_int_free",
		"_mid_memalign",
		"sysmalloc",
		"sysmalloc_mmap",
		"sysmalloc_mmap_fallback",
		"systrim",
		"new_heap",
		"alloc_new_heap",
		"arena_get2",
		"arena_get_retry",
		"tcache_init",
		"ptmalloc_init",
		"mremap_chunk",
		"munmap_chunk",
		"malloc_consolidate",
		/* Rust */
		"__rust_alloc",
		"__rust_alloc_zeroed",
		"__rust_realloc",
		"__rdl_alloc",
		"__rdl_alloc_zeroed",
		"__rdl_realloc",
		"__rg_alloc",
		"__rg_alloc_zeroed",
		"__rg_realloc",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static bool skip_is_internal(const char *name)
{
	static const struct {
		const char *start, *end;
	} scopes[] = {
		{"__GI___libc_", "alloc"},
		{"je_", ""},
		{"tc_", ""},
		{"mi_", ""},
		{"_mi_", ""},
		{"tcmalloc::", ""},
		{"(anonymous namespace)::do_malloc", ""},
		{"std::allocator<", ">::allocate"},
		{"std::__new_allocator<", ">::allocate"},
		{"std::allocator_traits<", ">::allocate"},
		{"__gnu_cxx::new_allocator<", ">::allocate"},
		{"__gnu_cxx::__alloc_traits<", ">::allocate"},
		{"std::__1::allocator<", ">::allocate"},
		{"std::__1::allocator_traits<", ">::allocate"},
		{"std::__1::__libcpp_allocate", ""},
		{"std::__1::__libcpp_operator_new", ""},
		{"alloc::alloc::", ""},
		{"<alloc::alloc::Global>::", ""},
		{"<alloc::alloc::Global as ", ""},
		{"__rustc::__r", ""},
		{"<std::alloc::System as ", ""},
		{"std::alloc::System", ""},
		{"std::sys::alloc::", ""},
	};

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		if (skip_starts(name, scopes[i].start) && skip_ends(name, scopes[i].end))
			return true;
	}
	return skip_is_exactly(name);
}

bool skip_matches(const struct skip *s, const char *function)
{
	if (!function)
		return false;
	if (skip_is_internal(function))
		return true;
	for (size_t i = 0; i < s->count; i++) {
		if (regexec(&s->v[i], function, 0, NULL, 0) == 0)
			return true;
	}
	return false;
}
