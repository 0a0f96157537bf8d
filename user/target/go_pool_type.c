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

static bool read_memory(const struct go_types *t, uint64_t address, void *out, size_t size)
{
	return link_map_read_memory(t->memory, address, out, size);
}

void go_types_init(struct go_types *t, const struct go_runtime *r)
{
	uint64_t module = r->at[GO_SYMBOL_MODULE];

	*t = (struct go_types){.read = read_memory, .memory = r->memory};
	if (!module ||
	    !link_map_read_memory(r->memory, module + (uint64_t)r->layout->at[GO_MODULE_TYPES],
				  &t->start, 8) ||
	    !link_map_read_memory(r->memory, module + (uint64_t)r->layout->at[GO_MODULE_TYPES_END],
				  &t->end, 8))
		t->start = t->end = 0;
}

/* ---- a value of the pool ---- */

static uint64_t type_in_shared(const struct go_types *t, uint64_t head)
{
	uint64_t values[2], v[2 * VALUES_MOST], i, count;

	if (!head || !t->read(t, head + ELEMENT_VALUES, values, sizeof(values)))
		return 0;
	count = values[1] < VALUES_MOST ? values[1] : VALUES_MOST;
	if (!t->read(t, values[0], v, (size_t)count * 16))
		return 0;
	for (i = 0; i < count; i++) {
		if (go_types_has(t, v[2 * i]))
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
	if (!t->read(t, locals, v, (size_t)count * LOCAL_SIZE))
		return 0;
	for (i = 0; i < count; i++) {
		memcpy(&type, v + i * LOCAL_SIZE, 8);
		if (go_types_has(t, type))
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

static bool is_pointer(const struct go_type *type)
{
	switch (type->kind) {
	case GO_KIND_POINTER:
	case GO_KIND_MAP:
	case GO_KIND_CHAN:
	case GO_KIND_FUNC:
	case GO_KIND_UNSAFE_POINTER: return true;
	/* a structure of one pointer is kept as that */
	default: return type->size == 8 && type->pointers == 8;
	}
}

void go_types_of_pool(const struct go_types *t, struct go_pool_facts *facts)
{
	uint64_t pool[POOL_WORDS], at;
	struct go_type type, inner;

	if (t->start >= t->end || !t->read(t, facts->address, pool, sizeof(pool)))
		return;
	at = type_in(t, pool[0], pool[1]);
	if (!at)
		at = type_in(t, pool[2], pool[3]);
	if (!at || !go_type_read(t, at, &type))
		return;
	go_type_name(t, &type, facts->type, sizeof(facts->type));
	facts->by_value = !is_pointer(&type);
	facts->bytes = facts->by_value ? type.size : 0;
	if (type.kind == GO_KIND_POINTER && go_type_element(t, at, &inner)) {
		facts->bytes = inner.size;
		facts->plain = !inner.pointers;
	}
}
