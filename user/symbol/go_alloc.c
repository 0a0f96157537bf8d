/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of the runtime are those of cmd/compile/internal/typecheck/_builtin/runtime.go, Go 1.19 and 1.21 to 1.27; the registers those
 * of Go's own calling convention (cmd/compile/abi-internal.md).
 *
 * A type counts only where the program has its types, and only when it is of a kind that the function can be called with.
 */
#include "go_alloc.h"

#include <stdlib.h>
#include <string.h>

#include "../base/xalloc.h"
#include "../probe/insn.h"
#include "../target/go_type.h"
#include "go_argument.h"
#include "go_names.h"

#define CALL_SIZE 5
#define CALL	  0xe8
/* Larger functions than that are not read. */
#define BODY_MOST (256u << 10)
#define SIZE_MOST (1ull << 47)

enum { RAX = 0, RBX = 3, RSI = 6 };

struct maker {
	const char *name;
	bool any;	    /* all functions whose names begin so */
	const char *always; /* what it makes; NULL: by its argument */
	unsigned int reg;
	uint8_t kind;	       /* that the type must have; 0: any */
	bool slice;	       /* the type is that of the elements */
	unsigned int from, to; /* Go 1.x */
};

static const struct maker makers[] = {
	{.name = "runtime.newobject", .reg = RAX},
	{.name = "runtime.newarray", .reg = RAX, .slice = true},
	{.name = "runtime.makeslice", .any = true, .reg = RAX, .slice = true},
	{.name = "runtime.moveSlice", .reg = RAX, .slice = true},
	{.name = "runtime.moveSliceNoCap", .reg = RAX, .slice = true},
	{.name = "runtime.growslice", .reg = RAX, .slice = true, .to = 19},
	{.name = "runtime.growslice", .any = true, .reg = RSI, .slice = true, .from = 20},
	{.name = "runtime.convT", .reg = RAX},
	{.name = "runtime.convTnoptr", .reg = RAX},
	{.name = "runtime.convTstring", .always = "string"},
	{.name = "runtime.makechan", .any = true, .reg = RAX, .kind = GO_KIND_CHAN},
	{.name = "runtime.makemap", .reg = RAX, .kind = GO_KIND_MAP},
	{.name = "runtime.makemap64", .reg = RAX, .kind = GO_KIND_MAP},
	{.name = "runtime.mapassign", .any = true, .reg = RAX, .kind = GO_KIND_MAP},
	{.name = "runtime.mallocgc", .any = true, .reg = RBX},
	{.name = "runtime.concatstring", .any = true, .always = "string"},
	{.name = "runtime.slicebytetostring", .always = "string"},
	{.name = "runtime.slicerunetostring", .always = "string"},
	{.name = "runtime.intstring", .always = "string"},
	{.name = "runtime.concatbyte", .any = true, .always = "[]uint8"},
	{.name = "runtime.stringtoslicebyte", .always = "[]uint8"},
	{.name = "runtime.stringtoslicerune", .always = "[]int32"},
	{.name = "internal/bytealg.MakeNoZero", .always = "[]uint8"},
};

struct go_alloc {
	const struct go_names *names;
	struct decoder *decoder;
	struct go_types types;
	unsigned int minor;
	char text[2 + GO_ALLOC_TEXT];
};

static bool read_file(const struct go_types *t, uint64_t address, void *out, size_t size)
{
	const uint8_t *bytes = go_names_bytes(t->context, address, size);

	if (bytes)
		memcpy(out, bytes, size);
	return bytes != NULL;
}

struct go_alloc *go_alloc_new(const struct go_names *names)
{
	struct go_alloc *a = xcalloc(1, sizeof(*a));

	a->names = names;
	a->types.read = read_file;
	a->types.context = names;
	a->minor = go_names_minor(names);
	if (go_names_types(names, &a->types.start, &a->types.end))
		a->decoder = decoder_new();
	if (a->decoder)
		return a;
	free(a);
	return NULL;
}

void go_alloc_free(struct go_alloc *a)
{
	if (!a)
		return;
	decoder_free(a->decoder);
	free(a);
}

/* ---- which function is called ---- */

static bool is_maker(const struct maker *m, const char *name, unsigned int minor)
{
	size_t length = strlen(m->name);

	if (minor < m->from || (m->to && minor > m->to))
		return false;
	return m->any ? !strncmp(name, m->name, length) : !strcmp(name, m->name);
}

/* NULL: none that allocates. Cheap, and so first: whether there is a call at all is seen by the instructions before it. */
static const struct maker *called(const struct go_alloc *a, uint64_t returns_to)
{
	const uint8_t *bytes = go_names_bytes(a->names, returns_to - CALL_SIZE, CALL_SIZE);
	struct go_extent f;
	int32_t distance;
	uint64_t target;
	size_t i;

	if (!bytes || bytes[0] != CALL)
		return NULL;
	memcpy(&distance, bytes + 1, sizeof(distance));
	target = returns_to + (uint64_t)(int64_t)distance;
	if (!go_names_around(a->names, target, &f) || f.start != target)
		return NULL;
	for (i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		if (is_maker(&makers[i], f.name, a->minor))
			return &makers[i];
	}
	return NULL;
}

static bool read_body(const struct go_alloc *a, uint64_t returns_to, struct go_body *body)
{
	struct go_extent f;

	if (!go_names_around(a->names, returns_to - 1, &f) || f.end - f.start > BODY_MOST)
		return false;
	body->start = f.start;
	body->size = (size_t)(f.end - f.start);
	body->bytes = go_names_bytes(a->names, body->start, body->size);
	return body->bytes != NULL;
}

/* ---- with which type ---- */

static bool can_be_of(const struct maker *m, const struct go_type *type)
{
	if (!type->kind || type->kind > GO_KIND_UNSAFE_POINTER || type->size > SIZE_MOST ||
	    type->pointers > type->size)
		return false;
	return !m->kind || type->kind == m->kind;
}

static const char *text_of(struct go_alloc *a, const struct maker *m, uint64_t address)
{
	struct go_type type;

	if (address % sizeof(uint64_t) || !go_type_read(&a->types, address, &type) ||
	    !can_be_of(m, &type))
		return NULL;
	memcpy(a->text, "[]", 2);
	go_type_name(&a->types, &type, a->text + 2, sizeof(a->text) - 2);
	if (!a->text[2])
		return NULL;
	return m->slice ? a->text : a->text + 2;
}

const char *go_alloc_type(struct go_alloc *a, uint64_t returns_to)
{
	const struct maker *m = called(a, returns_to);
	struct go_body body;
	uint64_t type;

	if (!m || !read_body(a, returns_to, &body))
		return NULL;
	if (m->always)
		return m->always;
	if (!go_argument(a->decoder, &body, returns_to, m->reg, &type))
		return NULL;
	return text_of(a, m, type);
}
