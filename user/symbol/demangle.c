/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns symbols into names, with libiberty's demanglers. Symbols come from files of the target:
 * they may be built to exhaust the stack (nesting) or time and memory (a few hundred bytes that
 * stand for terabytes of text by repeated substitution).
 *
 * Invariant: the depth is bounded by libiberty's own limit, the work by the length of the output.
 * The demanglers cannot be told to stop, so the sink that is full leaves them by longjmp: the
 * callback forms of the C++ and Rust demanglers keep their state on the stack, nothing is left
 * behind (but for one Rust identifier in punycode).
 */
#include "demangle.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <libiberty/demangle.h>
#include "../base/xalloc.h"

/*
 * The C++ parser reads the type of a conversion operator ("cv") twice, so nested ones double its
 * work each time, and it writes nothing meanwhile that could stop it.
 */
#define DEMANGLE_MAX_CONVERSIONS 16
/* The D demangler builds strings and has no callback: back references are what makes them explode.
 */
#define DEMANGLE_MAX_D_REFERENCES 32

/*
 * libiberty's own xmalloc() lies in one object with an xcalloc() and xrealloc() that are also names
 * of base/xalloc.h: what its D demangler needs is defined here, so that this object is never
 * linked. Weak: base may have it one day.
 */
__attribute__((weak)) void *xmalloc(size_t bytes)
{
	return xrealloc(NULL, bytes);
}

struct sink {
	char *out;
	size_t size, length;
	jmp_buf full;
};

static void sink_mark_cut(char *out, size_t size)
{
	memcpy(out + size - 4, "...", 4);
}

static void sink_add(const char *text, size_t count, void *context)
{
	struct sink *s = context;
	size_t room = s->size - 1 - s->length;
	bool full = count > room;

	if (full)
		count = room;
	if (count == 0 && !full)
		return;
	memcpy(s->out + s->length, text, count);
	s->length += count;
	s->out[s->length] = '\0';
	if (full) {
		sink_mark_cut(s->out, s->size);
		longjmp(s->full, 1);
	}
}

typedef int demangle_fn(const char *symbol, int options, demangle_callbackref callback,
			void *context);

static bool demangle_into(demangle_fn *fn, const char *symbol, int options, struct sink *s)
{
	s->length = 0;
	s->out[0] = '\0';
	if (setjmp(s->full))
		return true;
	return fn(symbol, options, sink_add, s) && s->length > 0;
}

static size_t demangle_d_references(const char *symbol)
{
	size_t count = 0;

	for (const char *p = symbol; (p = strchr(p, 'Q')); p++)
		count++;
	return count;
}

static bool demangle_rust(const char *symbol, struct sink *s)
{
	if (strncmp(symbol, "_R", 2) != 0 && strncmp(symbol, "_ZN", 3) != 0)
		return false;
	return demangle_into(rust_demangle_callback, symbol, DMGL_NO_OPTS, s);
}

/* "2cv" is a name (of OpenCV's namespace) unless the digit ends a number or a constructor. */
static size_t demangle_conversions(const char *symbol)
{
	size_t count = 0;

	for (const char *p = symbol; (p = strstr(p, "cv")); p++) {
		bool name = p - symbol > 2 && p[-1] == '2' && p[-2] >= 'A';

		count += !name || strchr("_CD", p[-2]);
	}
	return count;
}

static bool demangle_cplus(const char *symbol, struct sink *s)
{
	if (strncmp(symbol, "_Z", 2) != 0 && strncmp(symbol, "_GLOBAL_", 8) != 0)
		return false;
	if (demangle_conversions(symbol) > DEMANGLE_MAX_CONVERSIONS)
		return false;
	return demangle_into(cplus_demangle_v3_callback, symbol, DMGL_NO_OPTS, s);
}

/*
 * libiberty refuses C++ names above a kilobyte, since its limit of recursion counts them as too deep.
 * Their first components, up to the first template argument, are plain text: "ns::Class<...>".
 */
static bool demangle_beginning(const char *symbol, struct sink *s)
{
	static const char end[] = "<...>";
	size_t room = s->size > sizeof(end) ? s->size - sizeof(end) : 0, length = 0;

	if (strncmp(symbol, "_Z", 2) != 0)
		return false;
	symbol += 2;
	if (*symbol == 'N')
		symbol += strspn(symbol, "NKVrRO");
	if (strncmp(symbol, "St", 2) == 0 && room > 3) {
		memcpy(s->out, "std", 3);
		length = 3;
		symbol += 2;
	}
	while (*symbol >= '1' && *symbol <= '9') {
		char *name;
		unsigned long bytes = strtoul(symbol, &name, 10);

		if (bytes > strlen(name) || length + 2 + bytes > room)
			break;
		if (length)
			length = (size_t)(stpcpy(s->out + length, "::") - s->out);
		memcpy(s->out + length, name, bytes);
		length += bytes;
		symbol = name + bytes;
	}
	if (length == 0 || *symbol != 'I')
		return false;
	strcpy(s->out + length, end);
	s->length = length + strlen(end);
	return true;
}

/* "a.b!(int).c(int, char)" -> "a.b!(int).c": cuts one group of parentheses at the end, unless
 * template arguments. */
static void demangle_cut_parameters(char *name)
{
	size_t i = strlen(name);
	int depth = 0;

	if (i == 0 || name[i - 1] != ')')
		return;
	while (i-- > 0) {
		if (name[i] == ')')
			depth++;
		else if (name[i] == '(' && --depth == 0)
			break;
	}
	if (depth == 0 && i > 0 && name[i - 1] != '!')
		name[i] = '\0';
}

static size_t demangle_copy(const char *symbol, char *out, size_t size)
{
	size_t length = strlen(symbol);
	bool cut = length > size - 1;

	if (cut)
		length = size - 1;
	memcpy(out, symbol, length);
	out[length] = '\0';
	if (cut)
		sink_mark_cut(out, size);
	return length;
}

static bool demangle_d(const char *symbol, struct sink *s)
{
	char *name;

	if (strncmp(symbol, "_D", 2) != 0)
		return false;
	if (demangle_d_references(symbol) > DEMANGLE_MAX_D_REFERENCES)
		return false;
	name = dlang_demangle(symbol, DMGL_NO_OPTS);
	if (!name)
		return false;
	demangle_cut_parameters(name);
	s->length = demangle_copy(name, s->out, s->size);
	free(name);
	return s->length > 0;
}

/* The symbol without its version; a name that starts with '@' is no versioned one. */
static size_t demangle_plain_length(const char *symbol)
{
	const char *at = strchr(symbol + (symbol[0] != '\0'), '@');

	return at ? (size_t)(at - symbol) : strlen(symbol);
}

size_t demangle(const char *symbol, char *out, size_t size)
{
	struct sink s = {.out = out, .size = size};
	char plain[DEMANGLE_MAX + 1];
	size_t length = demangle_plain_length(symbol);

	if (length > DEMANGLE_MAX)
		return demangle_copy(symbol, out, size);
	memcpy(plain, symbol, length);
	plain[length] = '\0';
	if (demangle_rust(plain, &s) || demangle_cplus(plain, &s) || demangle_d(plain, &s) ||
	    demangle_beginning(plain, &s))
		return s.length;
	return demangle_copy(plain, out, size);
}
