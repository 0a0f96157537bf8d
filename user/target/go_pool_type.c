/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool has, for each processor of the runtime, one value of its own and a list of shared ones, and both again from before the last
 * collection (victim). A value is two words, the first of which points to its type.
 */
#include "go_pool_type.h"

#include <string.h>

#include "go_private.h"
#include "link_map.h"

/* sync.Pool: local, localSize, victim, victimSize */
#define POOL_WORDS 4
/* sync.poolLocal: {private any, shared {head, tail}}, padded */
#define LOCAL_SIZE  128
#define LOCALS_MOST 64
#define LOCAL_HEAD  16
/* sync.poolChainElt: {headTail, vals []eface, ...} */
#define ELEMENT_VALUES 8
#define VALUES_MOST    16

/* internal/abi.Type */
#define TYPE_SIZE     48
#define TYPE_POINTERS 8
#define TYPE_FLAGS    20
#define TYPE_KIND     23
#define TYPE_NAME     40
#define TYPE_ELEMENT  48 /* of a pointer: what it points to */
#define KIND_MASK     31
#define FLAG_STAR     2 /* the name has a star in front that does not belong to it */

enum kind {
	KIND_CHAN = 18,
	KIND_FUNC = 19,
	KIND_MAP = 21,
	KIND_POINTER = 22,
	KIND_UNSAFE_POINTER = 26
};

void go_types_init(struct go_types *t, const struct go_runtime *r)
{
	uint64_t module = r->at[GO_SYMBOL_MODULE];

	*t = (struct go_types){.memory = r->memory};
	if (!module ||
	    !link_map_read_memory(r->memory, module + (uint64_t)r->layout->at[GO_MODULE_TYPES],
				  &t->start, 8) ||
	    !link_map_read_memory(r->memory, module + (uint64_t)r->layout->at[GO_MODULE_TYPES_END],
				  &t->end, 8))
		t->start = t->end = 0;
}

static bool read_at(const struct go_types *t, uint64_t address, void *out, size_t size)
{
	return link_map_read_memory(t->memory, address, out, size);
}

static bool is_type(const struct go_types *t, uint64_t address)
{
	return address >= t->start && t->end > address && t->end - address >= TYPE_SIZE;
}

/* ---- a value of the pool ---- */

static uint64_t type_in_shared(const struct go_types *t, uint64_t head)
{
	uint64_t values[2], v[2 * VALUES_MOST], i, count;

	if (!head || !read_at(t, head + ELEMENT_VALUES, values, sizeof(values)))
		return 0;
	count = values[1] < VALUES_MOST ? values[1] : VALUES_MOST;
	if (!read_at(t, values[0], v, (size_t)count * 16))
		return 0;
	for (i = 0; i < count; i++) {
		if (is_type(t, v[2 * i]))
			return v[2 * i];
	}
	return 0;
}

static uint64_t type_in(const struct go_types *t, uint64_t locals, uint64_t count)
{
	uint8_t v[LOCALS_MOST * LOCAL_SIZE];
	uint64_t i, type, head;

	if (!locals || !count)
		return 0;
	count = count < LOCALS_MOST ? count : LOCALS_MOST;
	if (!read_at(t, locals, v, (size_t)count * LOCAL_SIZE))
		return 0;
	for (i = 0; i < count; i++) {
		memcpy(&type, v + i * LOCAL_SIZE, 8);
		if (is_type(t, type))
			return type;
	}
	for (i = 0; i < count; i++) {
		memcpy(&head, v + i * LOCAL_SIZE + LOCAL_HEAD, 8);
		type = type_in_shared(t, head);
		if (type)
			return type;
	}
	return 0;
}

/* ---- its type ---- */

struct type {
	uint64_t size, pointers;
	uint8_t flags, kind;
	int32_t name;
};

static bool read_type(const struct go_types *t, uint64_t address, struct type *type)
{
	uint8_t v[TYPE_SIZE];

	if (!is_type(t, address) || !read_at(t, address, v, sizeof(v)))
		return false;
	memcpy(&type->size, v, 8);
	memcpy(&type->pointers, v + TYPE_POINTERS, 8);
	memcpy(&type->name, v + TYPE_NAME, 4);
	type->flags = v[TYPE_FLAGS];
	type->kind = v[TYPE_KIND] & KIND_MASK;
	return true;
}

/* A byte of flags, the length as a varint of one or two bytes, the text. */
static void read_name(const struct go_types *t, const struct type *type, char out[GO_POOL_TEXT])
{
	char v[3 + GO_POOL_TEXT] = "";
	uint64_t at = t->start + (uint64_t)(int64_t)type->name;
	size_t length, skip = 2;

	if (type->name <= 0 || at >= t->end || !read_at(t, at, v, sizeof(v)))
		return;
	length = (uint8_t)v[1] & 0x7f;
	if ((uint8_t)v[1] & 0x80) {
		length |= (size_t)((uint8_t)v[2] & 0x7f) << 7;
		skip = 3;
	}
	if (type->flags & FLAG_STAR && length && v[skip] == '*') {
		skip++;
		length--;
	}
	if (length > sizeof(v) - skip)
		length = sizeof(v) - skip;
	if (length > GO_POOL_TEXT - 1)
		length = GO_POOL_TEXT - 1;
	memcpy(out, v + skip, length);
	out[strnlen(out, length)] = '\0';
}

static bool is_pointer(const struct type *type)
{
	switch (type->kind) {
	case KIND_POINTER:
	case KIND_MAP:
	case KIND_CHAN:
	case KIND_FUNC:
	case KIND_UNSAFE_POINTER: return true;
	/* a structure of one pointer is kept as that */
	default: return type->size == 8 && type->pointers == 8;
	}
}

void go_types_of_pool(const struct go_types *t, struct go_pool_facts *facts)
{
	uint64_t pool[POOL_WORDS], at, element;
	struct type type, inner;

	if (t->start >= t->end || !read_at(t, facts->address, pool, sizeof(pool)))
		return;
	at = type_in(t, pool[0], pool[1]);
	if (!at)
		at = type_in(t, pool[2], pool[3]);
	if (!at || !read_type(t, at, &type))
		return;
	read_name(t, &type, facts->type);
	facts->by_value = !is_pointer(&type);
	facts->bytes = facts->by_value ? type.size : 0;
	if (type.kind == KIND_POINTER && read_at(t, at + TYPE_ELEMENT, &element, 8) &&
	    read_type(t, element, &inner)) {
		facts->bytes = inner.size;
		facts->plain = !inner.pointers;
	}
}
