/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Knows the names of allocator internals, those of Go's runtime included, and of library functions that allocate for their caller, and
 * owns the regular expressions of --skip. Names are demangled and bare (demangle.h), so that one entry stands for every signature and instance.
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
		/* functions of the C library that return a block of their caller's */
		"strdup",
		"strndup",
		"__strdup",
		"__strndup",
		"wcsdup",
		"asprintf",
		"vasprintf",
		"___asprintf",
		"__asprintf",
		"__vasprintf",
		"__asprintf_chk",
		"__vasprintf_chk",
		"__vasprintf_internal",
		/* Python */
		"pymalloc_alloc",
		"pymalloc_realloc",
		"new_arena",
		"allocate_from_new_pool",
		"_PyObject_Arena",
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

/* "std::__cxx11::basic_string<char>::append" -> "basic_string<char>::append"; NULL: not of the C++ library. */
static const char *skip_into_std(const char *name)
{
	static const char *const inlines[] = {"__cxx11::", "__1::", "__debug::", "__cxx1998::"};

	if (!skip_starts(name, "std::"))
		return NULL;
	name += strlen("std::");
	for (size_t i = 0; i < sizeof(inlines) / sizeof(inlines[0]); i++) {
		if (skip_starts(name, inlines[i]))
			name += strlen(inlines[i]);
	}
	return name;
}

/*
 * Containers, strings, streams and smart pointers: who asked for memory is who called them. Algorithms,
 * threads and whatever else runs a function of the user's are not here, since that may be inlined
 * there.
 */
static bool skip_is_container(const char *name)
{
	static const char *const words[] = {
		"vector",
		"_Vector_base",
		"_Bvector_base",
		"__vector_base",
		"__split_buffer",
		"deque",
		"_Deque_base",
		"__deque_base",
		"_Deque_iterator",
		"list",
		"_List_base",
		"__list_imp",
		"forward_list",
		"_Fwd_list_base",
		"map",
		"multimap",
		"set",
		"multiset",
		"_Rb_tree",
		"__tree",
		"unordered_map",
		"unordered_multimap",
		"unordered_set",
		"unordered_multiset",
		"_Hashtable",
		"__hash_table",
		"__detail",
		"queue",
		"stack",
		"priority_queue",
		"basic_string",
		"string",
		"wstring",
		"to_string",
		"to_wstring",
		"__string_base",
		"basic_stringbuf",
		"basic_ostringstream",
		"basic_istringstream",
		"basic_stringstream",
		"basic_ostream",
		"basic_istream",
		"basic_streambuf",
		"basic_filebuf",
		"basic_ofstream",
		"basic_ifstream",
		"basic_fstream",
		"basic_ios",
		"ostream",
		"istream",
		"ios_base",
		"locale",
		"__ostream_insert",
		"getline",
		"operator+",
		"operator<<",
		"operator>>",
		"shared_ptr",
		"__shared_ptr",
		"__shared_count",
		"__weak_count",
		"weak_ptr",
		"make_shared",
		"allocate_shared",
		"__allocate_guarded",
		"make_unique",
		"unique_ptr",
		"function",
		"_Function_base",
		"__function",
		"any",
		"optional",
		"valarray",
		"pair",
		"tuple",
		"_Tuple_impl",
		"_Head_base",
		"filesystem",
		"basic_regex",
		"allocator",
		"allocator_traits",
		"__new_allocator",
		"__allocate_at_least",
		"__libcpp_allocate",
		"__libcpp_operator_new",
		"__allocation_guard",
		"_Temporary_buffer",
		"get_temporary_buffer",
		"__get_temporary_buffer",
		"uninitialized_copy",
		"uninitialized_copy_n",
		"uninitialized_fill",
		"uninitialized_fill_n",
		"__uninitialized_copy",
		"__uninitialized_copy_a",
		"__uninitialized_fill",
		"__uninitialized_fill_n",
		"__uninitialized_fill_n_a",
		"__uninitialized_move_a",
		"__do_uninit_copy",
		"__do_uninit_fill",
		"__do_uninit_fill_n",
		"_Construct",
		"_Construct_novalue",
		"construct_at",
		"back_insert_iterator",
		"num_put",
		"num_get",
		"time_put",
		"insert_iterator",
		"copy",
		"__copy_move",
		"__copy_move_a",
		"__copy_move_a1",
		"__copy_move_a2",
		"fill",
		"fill_n",
		"__fill_a",
		"__fill_a1",
		"__fill_n_a",
		"__fill_n_a1",
	};
	const char *word = skip_into_std(name);
	size_t length;

	if (!word)
		return skip_starts(name, "__gnu_cxx::");
	length = strcspn(word, "<:+>");
	if (skip_starts(word, "operator"))
		length = skip_starts(word, "operator+") ? 9 : 10;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i]) == length && strncmp(word, words[i], length) == 0)
			return true;
	}
	return false;
}

/* Of Rust's library, what allocates for its caller: "alloc::vec::Vec<T>::push". */
static bool skip_is_rust_path(const char *name)
{
	static const char *const paths[] = {
		"alloc::alloc::", "alloc::borrow::", "alloc::boxed::",	 "alloc::collections::",
		"alloc::ffi::",	  "alloc::fmt::",    "alloc::raw_vec::", "alloc::rc::",
		"alloc::slice::", "alloc::str::",    "alloc::string::",	 "alloc::sync::",
		"alloc::vec::",	  "core::array::",   "core::clone::",	 "core::convert::",
		"core::fmt::",	  "core::iter::",    "core::option::",	 "core::result::",
		"core::slice::",  "core::str::",     "hashbrown::",	 "std::collections::",
		"std::ffi::",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (skip_starts(name, paths[i]))
			return true;
	}
	return false;
}

/* "<alloc::vec::Vec<T> as Trait>::f", "<alloc::vec::Vec<u8>>::f", "<i32 as core::fmt::Display>::fmt": a
 * type of the library, or one without a path by a trait of the library. */
static bool skip_is_rust(const char *name)
{
	const char *trait, *path;

	if (name[0] != '<')
		return skip_is_rust_path(name);
	name += strspn(name, "<&[");
	if (skip_starts(name, "mut "))
		name += strlen("mut ");
	if (skip_is_rust_path(name))
		return true;
	trait = strstr(name, " as ");
	path = strstr(name, "::");
	if (!trait)
		return path && path > name && path[-1] == '>' &&
		       !memchr(name, '<', (size_t)(path - name));
	if (path && path < trait)
		return false;
	trait += strlen(" as ");
	return skip_is_rust_path(trait) || trait[0] == '<';
}

/* Of Go's runtime: what the compiler calls for new(), make(), append(), maps, strings and interfaces. */
bool skip_is_go_allocator(const char *name)
{
	static const char *const functions[] = {
		"mallocgc",
		"newobject",
		"newarray",
		"makeslice",
		"growslice",
		"rawstring",
		"rawbyteslice",
		"rawruneslice",
		"concatstring",
		"concatbyte",
		"slicebyteto",
		"slicerunetostring",
		"stringtoslice",
		"intstring",
		"convT",
		"makemap",
		"mapassign",
		"hashGrow",
		"growWork",
		"(*hmap).newoverflow",
		"makechan",
		"makeBucketArray",
		"reflect_unsafe_New",
		"reflect_growslice",
		"reflect_makemap",
		"reflect_makechan",
		"profilealloc",
		"(*mcache).nextFree",
		"(*mcache).allocLarge",
		"bytealg_MakeNoZero",
		"gostring",
		"reflectlite_unsafe_New",
		"reflect_mapassign",
		"(*mcache).refill",
		"heapSetType",
		"postMalloc",
	};

	if (skip_starts(name, "internal/runtime/maps.") ||
	    skip_starts(name, "internal/bytealg.MakeNoZero") ||
	    skip_starts(name, "reflect.unsafe_New"))
		return true;
	if (!skip_starts(name, "runtime."))
		return false;
	name += strlen("runtime.");
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (skip_starts(name, functions[i]))
			return true;
	}
	return false;
}

/* A class may have its own: "ns::Class::operator new". */
static bool skip_is_operator(const char *name)
{
	return skip_ends(name, "::operator new") || skip_ends(name, "::operator new[]");
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
		{"std::thread::thread<", ""},
		{"std::thread::_S_make_state<", ""},
		{"__rustc::__r", ""},
		{"<std::alloc::System as ", ""},
		{"std::alloc::System", ""},
		{"std::sys::alloc::", ""},
		/* Python's allocators */
		{"PyMem_", ""},
		{"_PyMem_", ""},
		{"_PyObject_Malloc", ""},
		{"_PyObject_Calloc", ""},
		{"_PyObject_Realloc", ""},
		{"PyObject_Malloc", ""},
		{"PyObject_Calloc", ""},
		{"PyObject_Realloc", ""},
	};

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		if (skip_starts(name, scopes[i].start) && skip_ends(name, scopes[i].end))
			return true;
	}
	return skip_is_go_allocator(name) || skip_is_exactly(name) || skip_is_container(name) ||
	       skip_is_rust(name) || skip_is_operator(name);
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
