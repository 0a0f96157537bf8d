/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of its functions (.gopclntab), which every Go program has, a stripped one too, because the runtime needs it itself. All of it
 * is the target's: offsets are checked against what was read.
 */
#include <stdlib.h>
#include <string.h>

#include "../base/xalloc.h"
#include "go_private.h"
#include "link_map.h"

#define PCLNTAB_MAX   (256ull << 20)
#define PCLNTAB_MAGIC 0xfffffff0u /* Go 1.18; 0xfffffff1 from 1.20 on */
#define HEADER_SIZE   72
/* Names of functions with parameters of types are long. */
#define NAME_MAX_BYTES 1024
/* From Go 1.26 on the table does not say where the code begins: runtime.firstmoduledata does. */
#define TEXT_IN_MODULE_SINCE 26
#define MODULE_TEXT	     176

static uint64_t word(const struct go_functions *f, size_t offset)
{
	uint64_t v = 0;

	if (offset + sizeof(v) <= f->size)
		memcpy(&v, f->table + offset, sizeof(v));
	return v;
}

static uint32_t half(const struct go_functions *f, uint64_t offset)
{
	uint32_t v = 0;

	if (offset <= f->size && sizeof(v) <= f->size - offset)
		memcpy(&v, f->table + offset, sizeof(v));
	return v;
}

/* Memory has it relocated; at an exec, before the first instruction, not yet: Go's linker leaves the ELF address there until then. */
static bool find_text(struct elf_file *elf, const struct go_place *place, uint64_t table,
		      uint64_t *text)
{
	uint64_t address = table + 24, size;

	if (place->minor >= TEXT_IN_MODULE_SINCE) {
		if (!elf_file_section(elf, ".go.module", &address, &size))
			return false;
		address += MODULE_TEXT;
	}
	if (!link_map_read_memory(place->memory, place->bias + address, text, sizeof(*text)))
		return false;
	if (elf_file_is_code(elf, *text - place->bias))
		*text -= place->bias;
	return elf_file_is_code(elf, *text);
}

bool go_functions_load(struct go_functions *f, struct elf_file *elf, const struct go_place *place)
{
	uint64_t address, size;
	ssize_t n;

	*f = (struct go_functions){0};
	if (!elf_file_section(elf, ".gopclntab", &address, &size) &&
	    !elf_file_section(elf, ".data.rel.ro.gopclntab", &address, &size))
		return false;
	if (size < HEADER_SIZE || size > PCLNTAB_MAX || !find_text(elf, place, address, &f->text))
		return false;
	f->table = xcalloc(1, size);
	n = elf_file_read(elf, address, f->table, size);
	f->size = n > 0 ? (size_t)n : 0;
	if (f->size < HEADER_SIZE || (half(f, 0) & ~1u) != PCLNTAB_MAGIC || f->table[7] != 8)
		return false;
	f->count = word(f, 8);
	f->name_offset = word(f, 32);
	f->function_offset = word(f, 64);
	return f->name_offset < f->size && f->function_offset < f->size &&
	       f->count < (f->size - f->function_offset) / 8;
}

const char *go_functions_name(const struct go_functions *f, uint64_t index)
{
	uint64_t entry = f->function_offset + half(f, f->function_offset + index * 8 + 4);
	uint64_t name, left;

	if (entry + 8 > f->size)
		return NULL;
	name = f->name_offset + half(f, entry + 4);
	if (name >= f->size)
		return NULL;
	left = f->size - name;
	if (!memchr(f->table + name, '\0', left < NAME_MAX_BYTES ? left : NAME_MAX_BYTES))
		return NULL;
	return (const char *)f->table + name;
}

uint64_t go_functions_start(const struct go_functions *f, uint64_t index)
{
	return f->text + half(f, f->function_offset + index * 8);
}

/* The table has one start more than functions: where the last one ends. */
uint64_t go_functions_end(const struct go_functions *f, uint64_t index)
{
	return go_functions_start(f, index + 1);
}

bool go_functions_find(const struct go_functions *f, const char *name, uint64_t *start,
		       uint64_t *end)
{
	uint64_t i;

	for (i = 0; i < f->count; i++) {
		const char *known = go_functions_name(f, i);

		if (!known || strcmp(known, name) != 0)
			continue;
		*start = go_functions_start(f, i);
		*end = go_functions_end(f, i);
		return *end > *start;
	}
	return false;
}

const char *go_functions_around(const struct go_functions *f, uint64_t address)
{
	uint64_t low = 0, high = f->count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (go_functions_start(f, middle) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address >= go_functions_end(f, low - 1))
		return NULL;
	return go_functions_name(f, low - 1);
}

void go_functions_done(struct go_functions *f)
{
	free(f->table);
	f->table = NULL;
}
