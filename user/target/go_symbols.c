/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the runtime's variables are. With a symbol table they stand there. A stripped program has only the table of its functions
 * (.gopclntab), which Go needs itself: known instructions in known functions hold the variables' addresses, and the majority of them
 * decides. Everything is the target's: all offsets are checked against what was read.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "../base/xalloc.h"
#include "go_private.h"
#include "go_tables.h"
#include "link_map.h"

#define PCLNTAB_MAX (256ull << 20)
/* A runtime has some thousands; a table that was made to take long has as many as it has room for. */
#define RUNTIME_FUNCTIONS_MAX 32768
#define PCLNTAB_MAGIC	      0xfffffff0u /* Go 1.18; 0xfffffff1 from 1.20 on */
#define HEADER_SIZE	      72
#define ANCHOR_MAX	      16
#define NAME_MAX_BYTES	      80
/* From Go 1.26 on the table does not say where the code begins: runtime.firstmoduledata does. */
#define TEXT_IN_MODULE_SINCE 26
#define MODULE_TEXT	     176

static const char *const names[GO_SYMBOLS] = {
	[GO_SYMBOL_MEMSTATS] = "runtime.memstats",
	[GO_SYMBOL_GC_CONTROLLER] = "runtime.gcController",
	[GO_SYMBOL_MHEAP] = "runtime.mheap_",
	[GO_SYMBOL_ALLP] = "runtime.allp",
	[GO_SYMBOL_EMPTY_SPAN] = "runtime.emptymspan",
	[GO_SYMBOL_ALLGS] = "runtime.allgs",
	[GO_SYMBOL_SCHED] = "runtime.sched",
	[GO_SYMBOL_MBUCKETS] = "runtime.mbuckets",
	[GO_SYMBOL_MPROF_CYCLE] = "runtime.mProfCycle",
	[GO_SYMBOL_MEM_PROFILE_RATE] = "runtime.MemProfileRate",
	[GO_SYMBOL_WORK] = "runtime.work",
};

/* ---- by the symbol table ---- */

static bool take_symbol(void *context, const struct elf_symbol *symbol)
{
	uint64_t *at = context;
	size_t i;

	if (symbol->type != STT_OBJECT || strncmp(symbol->name, "runtime.", 8) != 0)
		return true;
	for (i = 0; i < GO_SYMBOLS; i++) {
		if (!strcmp(symbol->name, names[i]))
			at[i] = symbol->address;
	}
	return true;
}

/* ---- by anchors ---- */

struct functions {
	uint8_t *table;
	size_t size;
	uint64_t text; /* ELF address of the first function's section */
	uint64_t count, name_offset, function_offset;
};

static uint64_t word(const struct functions *f, size_t offset)
{
	uint64_t v = 0;

	if (offset + sizeof(v) <= f->size)
		memcpy(&v, f->table + offset, sizeof(v));
	return v;
}

static uint32_t half(const struct functions *f, uint64_t offset)
{
	uint32_t v = 0;

	if (offset <= f->size && sizeof(v) <= f->size - offset)
		memcpy(&v, f->table + offset, sizeof(v));
	return v;
}

/* The table in memory has been relocated, that in the file maybe not. */
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
	*text -= place->bias;
	return elf_file_is_code(elf, *text);
}

static bool functions_load(struct functions *f, struct elf_file *elf, const struct go_place *place)
{
	uint64_t address, size;
	ssize_t n;

	*f = (struct functions){0};
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

/* Its name, when it is one that an anchor may have; NULL: it is not. */
static const char *function_name(const struct functions *f, uint64_t index)
{
	uint64_t entry = f->function_offset + half(f, f->function_offset + index * 8 + 4);
	uint64_t name;

	if (entry + 8 > f->size)
		return NULL;
	name = f->name_offset + half(f, entry + 4);
	if (name >= f->size || f->size - name < NAME_MAX_BYTES ||
	    memcmp(f->table + name, "runtime.", 8) != 0 ||
	    !memchr(f->table + name, '\0', NAME_MAX_BYTES))
		return NULL;
	return (const char *)f->table + name;
}

/* The variable's address by this instruction; 0: there is another one. */
static uint64_t anchor_value(const struct elf_file *elf, const struct go_anchor *a, uint64_t start)
{
	uint8_t code[ANCHOR_MAX];
	size_t length = a->prefix_length + 4;
	int32_t distance;

	if (length > sizeof(code) ||
	    elf_file_read(elf, start + a->offset, code, length) != (ssize_t)length ||
	    memcmp(code, a->prefix, a->prefix_length) != 0)
		return 0;
	memcpy(&distance, code + a->prefix_length, sizeof(distance));
	return start + a->offset + length + (uint64_t)(int64_t)distance - a->addend;
}

uint64_t go_symbols_vote(const uint64_t *candidates, size_t count)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		size_t votes = 0;

		for (j = 0; j < count; j++)
			votes += candidates[j] == candidates[i];
		if (votes * 2 > count && (votes > 1 || count == 1))
			return candidates[i];
	}
	return 0;
}

struct votes {
	uint64_t v[ANCHOR_MAX];
	size_t count;
};

static void look_at_function(struct elf_file *elf, unsigned int minor, const char *name,
			     uint64_t start, struct votes votes[GO_SYMBOLS])
{
	size_t i;

	for (i = 0; i < sizeof(go_anchors) / sizeof(go_anchors[0]); i++) {
		const struct go_anchor *a = &go_anchors[i];
		struct votes *v = &votes[a->symbol];
		uint64_t value;

		if (a->minor != minor || strcmp(a->function, name) != 0)
			continue;
		value = anchor_value(elf, a, start);
		if (value && v->count < ANCHOR_MAX)
			v->v[v->count++] = value;
	}
}

static void by_anchors(struct elf_file *elf, const struct go_place *place, uint64_t at[GO_SYMBOLS])
{
	struct votes votes[GO_SYMBOLS] = {0};
	struct functions f;
	uint64_t i, left = RUNTIME_FUNCTIONS_MAX;

	if (functions_load(&f, elf, place)) {
		for (i = 0; i < f.count && left; i++) {
			const char *name = function_name(&f, i);

			left -= name != NULL;
			if (name)
				look_at_function(elf, place->minor, name,
						 f.text + half(&f, f.function_offset + i * 8),
						 votes);
		}
	}
	free(f.table);
	for (i = 0; i < GO_SYMBOLS; i++) {
		if (!at[i])
			at[i] = go_symbols_vote(votes[i].v, votes[i].count);
	}
}

bool go_symbols_find(struct elf_file *elf, const struct go_place *place, uint64_t at[GO_SYMBOLS],
		     const char **missing)
{
	size_t i;

	memset(at, 0, GO_SYMBOLS * sizeof(*at));
	elf_file_symbols(elf, take_symbol, at);
	for (i = 0; i < GO_SYMBOLS && at[i]; i++)
		;
	if (i < GO_SYMBOLS)
		by_anchors(elf, place, at);
	for (i = 0; i < GO_SYMBOLS_NEEDED; i++) {
		*missing = names[i];
		if (!at[i])
			return false;
	}
	return true;
}
