/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes ELF files so that they stay ELF files: most changes go into the contents of one section,
 * into one field of a header, or make one section longer, which bytes changed at random hardly ever
 * do in a useful way. Linked to the targets whose input is a file.
 */
#include "fuzz.h"

#include <elf.h>

#define GROWTH_MAX 512

static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return limit ? (random_state >> 11) % limit : 0;
}

struct file {
	uint8_t *data;
	size_t size, max_size;
	Elf64_Ehdr header;
};

static bool file_open(struct file *f, uint8_t *data, size_t size, size_t max_size)
{
	*f = (struct file){.data = data, .size = size, .max_size = max_size};
	if (size < sizeof(f->header))
		return false;
	memcpy(&f->header, data, sizeof(f->header));
	return memcmp(data, ELFMAG, SELFMAG) == 0;
}

/* A header of a table whose place and count are in the file; 0: not there. */
static size_t header_place(const struct file *f, uint64_t table, uint64_t count, size_t each)
{
	uint64_t index = random_below(count);

	if (count == 0 || table > f->size || (f->size - table) / each <= index)
		return 0;
	return (size_t)table + (size_t)index * each;
}

static size_t section_place(const struct file *f)
{
	return header_place(f, f->header.e_shoff, f->header.e_shnum, sizeof(Elf64_Shdr));
}

/* A section with contents in the file. */
static bool find_section(const struct file *f, size_t *place, Elf64_Shdr *section)
{
	for (int turn = 0; turn < 8; turn++) {
		*place = section_place(f);
		if (!*place)
			continue;
		memcpy(section, f->data + *place, sizeof(*section));
		if (section->sh_type != SHT_NOBITS && section->sh_size > 0 &&
		    section->sh_offset < f->size &&
		    section->sh_size <= f->size - section->sh_offset)
			return true;
	}
	return false;
}

static uint64_t odd_value(const struct file *f)
{
	static const uint64_t values[] = {0,
					  1,
					  7,
					  0x7f,
					  0x80,
					  0xff,
					  0xffff,
					  0x10000,
					  0x7fffffff,
					  0x80000000,
					  0xfffffff0,
					  0xffffffff,
					  0x100000000,
					  0x0fffffffffffffff,
					  0x1000000000000000,
					  INT64_MAX,
					  0x8000000000000000,
					  UINT64_MAX - 7,
					  UINT64_MAX};
	uint64_t value = values[random_below(sizeof(values) / sizeof(values[0]))];

	switch (random_below(4)) {
	case 0: return f->size + random_below(17) - 8;
	case 1: return value + random_below(5) - 2;
	default: return value;
	}
}

static void put(struct file *f, size_t at, uint64_t value, size_t bytes)
{
	if (at < f->size)
		memcpy(f->data + at, &value, f->size - at < bytes ? f->size - at : bytes);
}

/* One aligned field of the file header, a section header or a program header. */
static bool change_header(struct file *f)
{
	size_t at = 0, bytes = sizeof(f->header), width = 1u << random_below(4);

	switch (random_below(4)) {
	case 0: at = 16; break;
	case 1:
		at = header_place(f, f->header.e_phoff, f->header.e_phnum, sizeof(Elf64_Phdr));
		bytes = sizeof(Elf64_Phdr);
		break;
	default:
		at = section_place(f);
		bytes = sizeof(Elf64_Shdr);
		break;
	}
	if (at == 0)
		return false;
	put(f, at + random_below(bytes / width) * width, odd_value(f), width);
	return true;
}

/* An LEB128 number, often too long. */
static void put_leb(struct file *f, size_t at)
{
	size_t length = 1 + random_below(12);

	for (size_t i = 0; i < length && at + i < f->size; i++)
		f->data[at + i] = (uint8_t)(random_below(256) | (i + 1 < length ? 0x80 : 0));
}

static bool change_contents(struct file *f)
{
	Elf64_Shdr section;
	size_t place, at, room;

	if (!find_section(f, &place, &section))
		return false;
	at = (size_t)section.sh_offset + random_below(section.sh_size);
	room = (size_t)(section.sh_offset + section.sh_size) - at;
	switch (random_below(4)) {
	case 0: put(f, at, odd_value(f), 1u << random_below(4)); break;
	case 1: put_leb(f, at); break;
	default:
		room = room < 64 ? room : 64;
		LLVMFuzzerMutate(f->data + at, room, room);
		break;
	}
	return true;
}

/* Contents move to the end of the file, where there is room for more of them. */
static bool grow_section(struct file *f)
{
	Elf64_Shdr section;
	size_t place, room, size;

	if (!find_section(f, &place, &section) || f->max_size - f->size < section.sh_size + 16)
		return false;
	room = f->max_size - f->size;
	if (room > section.sh_size + GROWTH_MAX)
		room = (size_t)section.sh_size + GROWTH_MAX;
	memmove(f->data + f->size, f->data + section.sh_offset, section.sh_size);
	size = LLVMFuzzerMutate(f->data + f->size, section.sh_size, room);
	section.sh_offset = f->size;
	section.sh_size = size;
	memcpy(f->data + place, &section, sizeof(section));
	f->size += size;
	return true;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct file f;
	bool done = false;

	random_state = seed * 0x9e3779b97f4a7c15ull + 1;
	if (!file_open(&f, data, size, max_size))
		return LLVMFuzzerMutate(data, size, max_size);
	switch (random_below(16)) {
	case 0: break;
	case 1:
	case 2:
	case 3: done = change_header(&f); break;
	case 4:
	case 5: done = grow_section(&f); break;
	default: done = change_contents(&f); break;
	}
	return done ? f.size : LLVMFuzzerMutate(data, size, max_size);
}
