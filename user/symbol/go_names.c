/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table is that of Go 1.18 and later (runtime/symtab.go, cmd/link/internal/ld/pcln.go): a header with the offsets of its parts; a sorted
 * list of functions, each with a record of fixed members and offsets of value tables. A value table says for ranges of code which number
 * they have: a line, a file, a node of the tree of inlined calls. The tree lies outside of the table, at runtime.firstmoduledata.gofunc
 * plus an offset; without that there are names, but no inlined functions.
 *
 * In a position-independent program pointers are in relocations, not in their places.
 *
 * All of it is the target's: each read is checked against the section that it is in, each string has its end there.
 */
#include "go_names.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "../base/xalloc.h"
#include "../target/go_private.h"

#define MAGIC		  0xfffffff0u /* Go 1.18 and 1.19; 0xfffffff1 from 1.20 on */
#define HEADER_SIZE	  72
#define PCDATA_INL_TREE	  2
#define FUNCDATA_INL_TREE 3
#define NO_FUNCDATA	  UINT32_MAX
#define STEPS_MAX	  65536u /* of a value table */
#define PCDATA_MAX	  64

/* A piece of the file that is at `address` in memory. */
struct part {
	uint64_t address;
	const uint8_t *bytes;
	size_t size;
};

/* Members of a function's record and of a node of its tree. */
struct shape {
	uint32_t magic;
	size_t function_size, nfuncdata, node_size, node_name, node_parent;
};

static const struct shape shapes[] = {
	{MAGIC, 40, 39, 20, 12, 16},
	{MAGIC + 1, 44, 43, 16, 4, 8},
};

struct go_names {
	Elf *elf;
	const struct shape *shape;
	struct part table, relocations, tree;
	uint64_t text, count;
	uint64_t names, units, files, values, functions; /* offsets in the table */
	unsigned int minor;				 /* Go 1.x; 0: not known */
	uint64_t module, gofunc;			 /* 0: not known */
};

static uint64_t get(const struct part *p, uint64_t offset, size_t size)
{
	uint64_t v = 0;

	if (offset <= p->size && size <= p->size - offset)
		memcpy(&v, p->bytes + offset, size);
	return v;
}

static uint32_t get32(const struct part *p, uint64_t offset)
{
	return (uint32_t)get(p, offset, 4);
}

/* NULL: it has no end. */
static const char *text_at(const struct go_names *g, uint64_t part, uint64_t offset)
{
	uint64_t at = part + offset;

	if (at >= g->table.size || at < part ||
	    !memchr(g->table.bytes + at, '\0', g->table.size - at))
		return NULL;
	return (const char *)g->table.bytes + at;
}

/* ---- parts of the file ---- */

static bool read_part(Elf_Scn *section, struct part *part)
{
	GElf_Shdr header;
	Elf_Data *data;

	if (!gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS ||
	    header.sh_flags & SHF_COMPRESSED)
		return false;
	data = elf_rawdata(section, NULL);
	if (!data || !data->d_buf)
		return false;
	*part = (struct part){header.sh_addr, data->d_buf, data->d_size};
	return true;
}

static bool find_section(Elf *elf, const char *const *wanted, struct part *part)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	const char *name;
	size_t strings, i;

	*part = (struct part){0};
	if (elf_getshdrstrndx(elf, &strings))
		return false;
	while ((section = elf_nextscn(elf, section))) {
		name = gelf_getshdr(section, &header) ? elf_strptr(elf, strings, header.sh_name)
						      : NULL;
		for (i = 0; name && wanted[i]; i++) {
			if (!strcmp(name, wanted[i]))
				return read_part(section, part);
		}
	}
	return false;
}

/* The part in which the address lies. */
static bool find_address(Elf *elf, uint64_t address, struct part *part)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_flags & SHF_ALLOC &&
		    address >= header.sh_addr && address - header.sh_addr < header.sh_size)
			return read_part(section, part);
	}
	return false;
}

/* The relocation of this place; NULL: there is none. */
static const uint8_t *relocation_of(const struct part *relocations, uint64_t address)
{
	size_t at;

	for (at = 0; at + sizeof(Elf64_Rela) <= relocations->size; at += sizeof(Elf64_Rela)) {
		if (get(relocations, at, 8) == address)
			return relocations->bytes + at;
	}
	return NULL;
}

static uint64_t pointer_at(const struct go_names *g, uint64_t address)
{
	const uint8_t *relocation = relocation_of(&g->relocations, address);
	struct part part;
	uint64_t v;

	if (relocation) {
		memcpy(&v, relocation + offsetof(Elf64_Rela, r_addend), sizeof(v));
		return v;
	}
	return find_address(g->elf, address, &part) ? get(&part, address - part.address, 8) : 0;
}

/* ---- runtime.firstmoduledata ---- */

static bool is_module(const struct go_names *g, uint64_t address)
{
	return pointer_at(g, address) == g->table.address &&
	       pointer_at(g, address + 8) == g->table.address + g->names;
}

static uint64_t module_in_relocations(const struct go_names *g)
{
	const struct part *r = &g->relocations;
	size_t at;

	for (at = 0; at + sizeof(Elf64_Rela) <= r->size; at += sizeof(Elf64_Rela)) {
		if (get(r, at + offsetof(Elf64_Rela, r_addend), 8) == g->table.address &&
		    is_module(g, get(r, at, 8)))
			return get(r, at, 8);
	}
	return 0;
}

static uint64_t module_in(const struct go_names *g, const char *name)
{
	const char *const wanted[] = {name, NULL};
	struct part part;
	size_t at;

	if (!find_section(g->elf, wanted, &part))
		return 0;
	for (at = 0; at + 16 <= part.size; at += 8) {
		if (get(&part, at, 8) == g->table.address && is_module(g, part.address + at))
			return part.address + at;
	}
	return 0;
}

static uint64_t find_module(const struct go_names *g)
{
	static const char *const places[] = {".go.module", ".noptrdata", ".data"};
	uint64_t found = module_in_relocations(g);
	size_t i;

	for (i = 0; !found && i < sizeof(places) / sizeof(places[0]); i++)
		found = module_in(g, places[i]);
	return found;
}

static unsigned int read_minor(Elf *elf)
{
	static const char *const wanted[] = {".go.buildinfo", NULL};
	char version[GO_VERSION_MAX];
	struct part part;

	if (!find_section(elf, wanted, &part) || !go_build_parse(part.bytes, part.size, version))
		return 0;
	return go_build_minor(version);
}

/* Where runtime.moduledata has its gofunc; 0: of this version it is not known. */
static uint64_t gofunc_member(unsigned int minor)
{
	return minor == 27 ? 344 : minor >= 20 && minor <= 26 ? 320 : minor == 19 ? 304 : 0;
}

static void find_tree(struct go_names *g)
{
	uint64_t member = gofunc_member(g->minor);

	if (!g->module || !member)
		return;
	g->gofunc = pointer_at(g, g->module + member);
	if (!g->gofunc || !find_address(g->elf, g->gofunc, &g->tree))
		g->gofunc = 0;
}

/* ---- open ---- */

#define MODULE_TEXT 176

/* From Go 1.26 on the header does not say where the code begins. */
static void find_text(struct go_names *g)
{
	static const char *const wanted[] = {".text", NULL};
	struct part text;

	g->text = pointer_at(g, g->table.address + 24);
	if (!g->text && g->module)
		g->text = pointer_at(g, g->module + MODULE_TEXT);
	if (!g->text && find_section(g->elf, wanted, &text))
		g->text = text.address;
}

static bool read_header(struct go_names *g)
{
	size_t i;

	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (get32(&g->table, 0) == shapes[i].magic)
			g->shape = &shapes[i];
	}
	if (!g->shape || g->table.size < HEADER_SIZE || g->table.bytes[7] != 8)
		return false;
	g->count = get(&g->table, 8, 8);
	g->names = get(&g->table, 32, 8);
	g->units = get(&g->table, 40, 8);
	g->files = get(&g->table, 48, 8);
	g->values = get(&g->table, 56, 8);
	g->functions = get(&g->table, 64, 8);
	return g->functions < g->table.size && g->names < g->table.size &&
	       g->values < g->table.size && g->files < g->table.size && g->units < g->table.size &&
	       g->count < (g->table.size - g->functions) / 8;
}

struct go_names *go_names_new(Elf *elf)
{
	static const char *const tables[] = {".gopclntab", ".data.rel.ro.gopclntab", NULL};
	static const char *const relocations[] = {".rela.dyn", ".rela", NULL};
	struct go_names *g = xcalloc(1, sizeof(*g));

	g->elf = elf;
	if (!find_section(elf, tables, &g->table) || !read_header(g)) {
		free(g);
		return NULL;
	}
	find_section(elf, relocations, &g->relocations);
	g->minor = read_minor(elf);
	g->module = find_module(g);
	find_text(g);
	find_tree(g);
	return g;
}

void go_names_free(struct go_names *g)
{
	free(g);
}

/* ---- functions ---- */

/* Of a function: where its code begins, where the next one does, and where its record is in the table. */
struct function {
	uint64_t start, end, record;
};

static bool find_function(const struct go_names *g, uint64_t address, struct function *f)
{
	uint64_t low = 0, high = g->count, offset = address - g->text;

	if (address < g->text || offset > UINT32_MAX)
		return false;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (get32(&g->table, g->functions + middle * 8) <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	/* the entry behind the last function is its end */
	if (!low || low == g->count + 1 || offset >= get32(&g->table, g->functions + low * 8))
		return false;
	f->start = g->text + get32(&g->table, g->functions + (low - 1) * 8);
	f->end = g->text + get32(&g->table, g->functions + low * 8);
	f->record = g->functions + get32(&g->table, g->functions + (low - 1) * 8 + 4);
	return f->record < g->table.size && g->shape->function_size < g->table.size - f->record;
}

static bool get_varint(const struct part *p, uint64_t *at, uint32_t *v)
{
	unsigned int shift;

	*v = 0;
	for (shift = 0; shift < 32; shift += 7) {
		uint32_t byte;

		if (*at >= p->size)
			return false;
		byte = p->bytes[(*at)++];
		*v |= (byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* pcvalue() of runtime/symtab.go: the number that a value table has for the address; -1: none. */
static int64_t value_at(const struct go_names *g, const struct function *f, uint32_t table,
			uint64_t address)
{
	uint64_t at = g->values + table, pc = f->start;
	uint32_t delta, length, steps;
	int32_t value = -1;

	if (!table)
		return -1;
	for (steps = 0; steps < STEPS_MAX && get_varint(&g->table, &at, &delta); steps++) {
		if (!delta && pc != f->start)
			return -1;
		value += delta & 1 ? (int32_t) ~(delta >> 1) : (int32_t)(delta >> 1);
		if (!get_varint(&g->table, &at, &length))
			return -1;
		pc += length;
		if (address < pc)
			return value;
	}
	return -1;
}

static void set_line(const struct go_names *g, const struct function *f, uint64_t address,
		     struct debug_frame *frame)
{
	int64_t file = value_at(g, f, get32(&g->table, f->record + 20), address);
	int64_t line = value_at(g, f, get32(&g->table, f->record + 24), address);
	uint64_t unit = get32(&g->table, f->record + 32);
	uint32_t name;

	if (file < 0 || line < 0)
		return;
	name = get32(&g->table, g->units + (unit + (uint64_t)file) * 4);
	frame->file = name == UINT32_MAX ? NULL : text_at(g, g->files, name);
	frame->line = frame->file ? (int)line : 0;
}

/* Of the tree of inlined calls: where it is in its part; false: the function has none. */
static bool find_nodes(const struct go_names *g, const struct function *f, uint64_t *nodes,
		       uint32_t *indices)
{
	uint32_t pcdata = get32(&g->table, f->record + 28), offset;
	uint64_t behind = f->record + g->shape->function_size;
	uint8_t funcdata = (uint8_t)get(&g->table, f->record + g->shape->nfuncdata, 1);

	if (!g->gofunc || pcdata <= PCDATA_INL_TREE || pcdata > PCDATA_MAX ||
	    funcdata <= FUNCDATA_INL_TREE)
		return false;
	*indices = get32(&g->table, behind + PCDATA_INL_TREE * 4);
	offset = get32(&g->table, behind + pcdata * 4 + FUNCDATA_INL_TREE * 4);
	*nodes = g->gofunc - g->tree.address + offset;
	return offset != NO_FUNCDATA && *nodes < g->tree.size;
}

size_t go_names_find(const struct go_names *g, uint64_t address,
		     struct debug_frame frames[DEBUG_MAX_FRAMES])
{
	uint64_t nodes = 0, at = address;
	uint32_t indices = 0;
	struct function f;
	size_t count = 0;
	bool inlines;

	if (!find_function(g, address, &f))
		return 0;
	inlines = find_nodes(g, &f, &nodes, &indices);
	while (count < DEBUG_MAX_FRAMES) {
		int64_t index = inlines ? value_at(g, &f, indices, at) : -1;
		uint64_t node = nodes + (uint64_t)index * g->shape->node_size;
		struct debug_frame *frame = &frames[count++];
		uint32_t name = index < 0 ? get32(&g->table, f.record + 4)
					  : get32(&g->tree, node + g->shape->node_name);

		*frame = (struct debug_frame){.function = text_at(g, g->names, name),
					      .start = f.start,
					      .inlined = index >= 0};
		set_line(g, &f, at, frame);
		if (index < 0)
			break;
		at = f.start + get32(&g->tree, node + g->shape->node_parent);
	}
	frames[count - 1].inlined = false;
	return count;
}

bool go_names_around(const struct go_names *g, uint64_t address, struct go_extent *f)
{
	struct function found;

	if (!find_function(g, address, &found))
		return false;
	*f = (struct go_extent){found.start, found.end,
				text_at(g, g->names, get32(&g->table, found.record + 4))};
	return f->name && f->start < f->end;
}

/* ---- the file ---- */

const uint8_t *go_names_bytes(const struct go_names *g, uint64_t address, size_t size)
{
	struct part part;
	uint64_t offset;

	if (!find_address(g->elf, address, &part))
		return NULL;
	offset = address - part.address;
	return offset < part.size && size <= part.size - offset ? part.bytes + offset : NULL;
}

unsigned int go_names_minor(const struct go_names *g)
{
	return g->minor;
}

bool go_names_types(const struct go_names *g, uint64_t *start, uint64_t *end)
{
	const struct go_layout *layout = go_layout_find(g->minor);

	if (!layout || !g->module)
		return false;
	*start = pointer_at(g, g->module + (uint64_t)layout->at[GO_MODULE_TYPES]);
	*end = pointer_at(g, g->module + (uint64_t)layout->at[GO_MODULE_TYPES_END]);
	return *start && *start < *end;
}
