/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each read is checked by whoever reads; here it is checked that what is read can be a type. */
#include "go_type.h"

#include <string.h>

#define TYPE_SIZE     48
#define TYPE_POINTERS 8
#define TYPE_FLAGS    20
#define TYPE_KIND     23
#define TYPE_NAME     40
#define TYPE_ELEMENT  48 /* of a pointer: what it points to */
#define KIND_MASK     31
#define FLAG_STAR     2 /* the name has a star in front that does not belong to it */
/* A byte of flags, and the length as a varint of one or two bytes, are before the text. */
#define NAME_HEAD 3
#define NAME_MOST 256

bool go_types_has(const struct go_types *t, uint64_t address)
{
	return address >= t->start && t->end > address && t->end - address >= TYPE_SIZE;
}

bool go_type_read(const struct go_types *t, uint64_t address, struct go_type *type)
{
	uint8_t v[TYPE_SIZE];

	if (!go_types_has(t, address) || !t->read(t, address, v, sizeof(v)))
		return false;
	memcpy(&type->size, v, 8);
	memcpy(&type->pointers, v + TYPE_POINTERS, 8);
	memcpy(&type->name, v + TYPE_NAME, 4);
	type->flags = v[TYPE_FLAGS];
	type->kind = v[TYPE_KIND] & KIND_MASK;
	return true;
}

bool go_type_element(const struct go_types *t, uint64_t address, struct go_type *element)
{
	uint64_t at;

	return t->read(t, address + TYPE_ELEMENT, &at, sizeof(at)) && go_type_read(t, at, element);
}

/* The last names of a program may end less than NAME_MOST bytes before what can be read. */
static size_t read_most(const struct go_types *t, uint64_t at, char *out, size_t most)
{
	uint64_t left = t->end - at;

	if (left < most)
		most = (size_t)left;
	return t->read(t, at, out, most) ? most : 0;
}

void go_type_name(const struct go_types *t, const struct go_type *type, char *out, size_t size)
{
	uint64_t at = t->start + (uint64_t)(int64_t)type->name;
	char v[NAME_HEAD + NAME_MOST] = "";
	size_t length, skip = 2, most;

	out[0] = '\0';
	if (type->name <= 0 || at >= t->end)
		return;
	most = read_most(t, at, v, sizeof(v));
	length = (uint8_t)v[1] & 0x7f;
	if ((uint8_t)v[1] & 0x80) {
		length |= (size_t)((uint8_t)v[2] & 0x7f) << 7;
		skip = NAME_HEAD;
	}
	if (type->flags & FLAG_STAR && length && v[skip] == '*') {
		skip++;
		length--;
	}
	if (most <= skip)
		return;
	if (length > most - skip)
		length = most - skip;
	if (length > size - 1)
		length = size - 1;
	memcpy(out, v + skip, length);
	out[strnlen(out, length)] = '\0';
}
