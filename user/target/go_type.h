/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The runtime's own descriptions of types (internal/abi.Type), wherever they are read: in the memory of a process, or in its file. The
 * layout is the same from Go 1.19 to 1.27. All of it is the target's: a type is one only where the program has its types.
 */
#ifndef TARGET_GO_TYPE_H
#define TARGET_GO_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* reflect.Kind, those that matter here. */
enum go_kind {
	GO_KIND_CHAN = 18,
	GO_KIND_FUNC = 19,
	GO_KIND_MAP = 21,
	GO_KIND_POINTER = 22,
	GO_KIND_UNSAFE_POINTER = 26 /* the last one */
};

/* Where a program has its types; empty where that is not known. */
struct go_types {
	uint64_t start, end;
	/* Exactly `size` bytes at an address; false: they cannot be read. */
	bool (*read)(const struct go_types *t, uint64_t address, void *out, size_t size);
	int memory;	     /* for the reader, one of both */
	const void *context; /* borrowed */
};

struct go_type {
	uint64_t size, pointers; /* bytes; those up to the last pointer in it */
	uint8_t flags, kind;
	int32_t name;
};

/* Could there be a type at this address? */
bool go_types_has(const struct go_types *t, uint64_t address);
bool go_type_read(const struct go_types *t, uint64_t address, struct go_type *type);
/* Of a pointer: what it points to. */
bool go_type_element(const struct go_types *t, uint64_t address, struct go_type *element);
/* As Go writes it, such as "*main.node"; what does not fit is cut off. "": it has none. At most 256 bytes are read. */
void go_type_name(const struct go_types *t, const struct go_type *type, char *out, size_t size);

#endif /* TARGET_GO_TYPE_H */
