/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns one ELF file: program headers, symbols, relocations, build id. Input is a file that a traced
 * process has mapped, so everything in it is hostile: libelf reads it with pread (a mapped file
 * that shrinks would kill us with SIGBUS), tables above a limit are left out, every index and every
 * string is checked here. Invariant: whatever the file holds, an operation ends, reads nothing
 * outside the buffers, and gives less instead of failing.
 */
#include "elf.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../base/io.h"
#include "../base/xalloc.h"
#include "elf_private.h"

/*
 * Sparse files cost nothing to make and are read in full: the limits are on what a file can make us
 * allocate. The .strtab of a browser with all symbols has some 200 MB; what the dynamic linker
 * needs is far smaller.
 */
#define ELF_STATIC_MAX		    (512ull << 20)
#define ELF_DYNAMIC_MAX		    (64ull << 20)
#define ELF_RELOCATION_SECTIONS_MAX 8
#define ELF_SECTIONS_MAX	    65536u
#define ELF_NAME_MAX		    4096u
#define ELF_NOTE_MAX		    65536u

ssize_t elf_read_offset(const struct elf_file *file, uint64_t offset, void *out, size_t size)
{
	return io_read_at(file->fd, out, size, offset);
}

static bool has_right_header(const struct elf_file *file)
{
	Elf64_Ehdr header;

	if (elf_read_offset(file, 0, &header, sizeof(header)) != (ssize_t)sizeof(header))
		return false;
	return memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
	       header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB &&
	       header.e_machine == EM_X86_64 &&
	       (header.e_type == ET_EXEC || header.e_type == ET_DYN);
}

static void add_segment(struct elf_file *file, const GElf_Phdr *header)
{
	struct elf_segment *segment;

	if (file->segment_count == ELF_SEGMENTS_MAX || header->p_memsz < header->p_filesz ||
	    header->p_memsz > UINT64_MAX - header->p_vaddr ||
	    header->p_filesz > UINT64_MAX - header->p_offset)
		return;
	segment = &file->segments[file->segment_count++];
	segment->address = header->p_vaddr;
	segment->memory_size = header->p_memsz;
	segment->offset = header->p_offset;
	segment->file_size = header->p_filesz;
	segment->execute = header->p_flags & PF_X;
}

static void add_note(struct elf_file *file, const GElf_Phdr *header)
{
	if (file->note_count == sizeof(file->note_offset) / sizeof(file->note_offset[0]))
		return;
	file->note_offset[file->note_count] = header->p_offset;
	file->note_size[file->note_count++] = header->p_filesz;
}

static void read_program_headers(struct elf_file *file)
{
	size_t count;

	if (elf_getphdrnum(file->elf, &count))
		return;
	for (size_t i = 0; i < count && i < 1024; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(file->elf, (int)i, &header))
			return;
		if (header.p_type == PT_LOAD)
			add_segment(file, &header);
		else if (header.p_type == PT_NOTE)
			add_note(file, &header);
		else if (header.p_type == PT_INTERP)
			file->has_interpreter = true;
		else if (header.p_type == PT_GNU_EH_FRAME)
			file->frame_header = header.p_vaddr;
		else if (header.p_type == PT_DYNAMIC) {
			file->dynamic = header.p_vaddr;
			file->dynamic_size = header.p_memsz;
		}
	}
}

struct elf_file *elf_file_open(int fd)
{
	struct elf_file *file = xcalloc(1, sizeof(*file));

	file->fd = fd;
	if (!has_right_header(file) || elf_version(EV_CURRENT) == EV_NONE)
		goto bad;
	file->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF)
		goto bad;
	read_program_headers(file);
	return file;
bad:
	elf_file_close(file);
	errno = ENOEXEC;
	return NULL;
}

void elf_file_close(struct elf_file *file)
{
	if (!file)
		return;
	elf_code_done(file);
	elf_end(file->elf);
	free(file);
}

size_t elf_file_segments(const struct elf_file *file, const struct elf_segment **segments)
{
	*segments = file->segments;
	return file->segment_count;
}

static const struct elf_segment *segment_at(const struct elf_file *file, uint64_t address)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const struct elf_segment *s = &file->segments[i];

		if (address >= s->address && address - s->address < s->file_size)
			return s;
	}
	return NULL;
}

bool elf_file_to_offset(const struct elf_file *file, uint64_t address, uint64_t *offset)
{
	const struct elf_segment *segment = segment_at(file, address);

	*offset = 0;
	if (!segment)
		return false;
	*offset = segment->offset + (address - segment->address);
	return true;
}

bool elf_file_is_code(const struct elf_file *file, uint64_t address)
{
	const struct elf_segment *segment = segment_at(file, address);

	return segment && segment->execute;
}

/* The kernel maps whole pages: a mapping may begin before its segment. */
static bool segment_maps_offset(const struct elf_segment *segment, uint64_t offset)
{
	const uint64_t page = 4096;
	uint64_t first = segment->offset & ~(page - 1);

	return offset >= first && offset < segment->offset + segment->file_size;
}

bool elf_file_bias(const struct elf_file *file, uint64_t start, uint64_t offset, uint64_t *bias)
{
	*bias = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < file->segment_count; i++) {
			const struct elf_segment *s = &file->segments[i];

			if (s->execute != (pass == 0) || !segment_maps_offset(s, offset))
				continue;
			*bias = start - offset - (s->address - s->offset);
			return true;
		}
	}
	return false;
}

ssize_t elf_file_read(const struct elf_file *file, uint64_t address, void *out, size_t size)
{
	const struct elf_segment *segment = segment_at(file, address);
	uint64_t rest;

	if (!segment)
		return -ENOENT;
	rest = segment->file_size - (address - segment->address);
	if (size > rest)
		size = (size_t)rest;
	return elf_read_offset(file, segment->offset + (address - segment->address), out, size);
}

bool elf_file_section(const struct elf_file *file, const char *name, uint64_t *address,
		      uint64_t *size)
{
	Elf_Scn *section = NULL;
	unsigned int count = 0;
	GElf_Shdr header;
	size_t strings;

	*address = *size = 0;
	if (elf_getshdrstrndx(file->elf, &strings))
		return false;
	while (count++ < ELF_SECTIONS_MAX && (section = elf_nextscn(file->elf, section))) {
		const char *found;

		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC))
			continue;
		found = elf_strptr(file->elf, strings, header.sh_name);
		if (!found || strcmp(found, name) != 0)
			continue;
		*address = header.sh_addr;
		*size = header.sh_size;
		return true;
	}
	return false;
}

bool elf_file_has_interpreter(const struct elf_file *file)
{
	return file->has_interpreter;
}

uint64_t elf_file_dynamic(const struct elf_file *file, uint64_t *size)
{
	*size = file->dynamic_size;
	return file->dynamic;
}

static size_t find_build_id(const uint8_t *notes, size_t length, uint8_t *out, size_t size)
{
	size_t at = 0;

	while (length - at >= 12) {
		uint32_t head[3]; /* length of the name, of the content; type */
		uint64_t name, next;

		memcpy(head, notes + at, sizeof(head));
		name = at + sizeof(head) + (((uint64_t)head[0] + 3) & ~3ull);
		next = name + (((uint64_t)head[1] + 3) & ~3ull);
		if (name > length || head[1] > length - name)
			return 0;
		if (head[2] == NT_GNU_BUILD_ID && head[0] == 4 &&
		    memcmp(notes + at + sizeof(head), "GNU", 4) == 0) {
			if (head[1] > size)
				return 0;
			memcpy(out, notes + name, head[1]);
			return head[1];
		}
		if (next > length)
			return 0;
		at = (size_t)next;
	}
	return 0;
}

size_t elf_file_build_id(const struct elf_file *file, uint8_t *out, size_t size)
{
	size_t found = 0;

	for (size_t i = 0; i < file->note_count && !found; i++) {
		size_t length = (size_t)file->note_size[i];
		uint8_t *notes;
		ssize_t n;

		if (file->note_size[i] < 12 || file->note_size[i] > ELF_NOTE_MAX)
			continue;
		notes = xcalloc(1, length);
		n = elf_read_offset(file, file->note_offset[i], notes, length);
		if (n > 0)
			found = find_build_id(notes, (size_t)n, out, size);
		free(notes);
	}
	return found;
}

static Elf_Data *section_data(Elf_Scn *section, uint64_t limit, GElf_Shdr *header)
{
	Elf_Data *data;

	if (!section || !gelf_getshdr(section, header) || header->sh_size > limit ||
	    header->sh_type == SHT_NOBITS || header->sh_flags & SHF_COMPRESSED)
		return NULL;
	data = elf_getdata(section, NULL);
	return data && data->d_buf ? data : NULL;
}

/* A table of symbols with its strings. */
struct symbol_table {
	Elf_Data *symbols;
	const char *strings;
	size_t string_size;
	size_t count;
};

static bool load_table(struct elf_file *file, Elf_Scn *section, struct symbol_table *table)
{
	GElf_Shdr header, string_header;
	Elf_Data *strings;
	uint64_t limit;

	memset(table, 0, sizeof(*table));
	if (!section || !gelf_getshdr(section, &header) ||
	    (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM))
		return false;
	limit = header.sh_type == SHT_DYNSYM ? ELF_DYNAMIC_MAX : ELF_STATIC_MAX;
	table->symbols = section_data(section, limit, &header);
	if (!table->symbols)
		return false;
	strings = section_data(elf_getscn(file->elf, header.sh_link), limit, &string_header);
	if (!strings || string_header.sh_type != SHT_STRTAB)
		return false;
	table->strings = strings->d_buf;
	table->string_size = strings->d_size;
	table->count = table->symbols->d_size / sizeof(Elf64_Sym);
	return true;
}

/* NULL when the name is outside the strings, has no end or is absurdly long. */
static const char *table_name(const struct symbol_table *table, uint32_t offset)
{
	size_t rest;

	if (offset == 0 || offset >= table->string_size)
		return NULL;
	rest = table->string_size - offset;
	if (rest > ELF_NAME_MAX)
		rest = ELF_NAME_MAX;
	return memchr(table->strings + offset, '\0', rest) ? table->strings + offset : NULL;
}

static bool table_symbol(const struct symbol_table *table, size_t index, bool dynamic,
			 struct elf_symbol *symbol)
{
	GElf_Sym raw;

	if (!gelf_getsym(table->symbols, (int)index, &raw))
		return false;
	symbol->type = GELF_ST_TYPE(raw.st_info);
	if (raw.st_shndx == SHN_UNDEF || raw.st_shndx == SHN_ABS ||
	    (symbol->type != STT_FUNC && symbol->type != STT_GNU_IFUNC &&
	     symbol->type != STT_OBJECT))
		return false;
	symbol->name = table_name(table, raw.st_name);
	symbol->address = raw.st_value;
	symbol->size = raw.st_size;
	symbol->is_local = GELF_ST_BIND(raw.st_info) == STB_LOCAL;
	symbol->is_dynamic = dynamic;
	return symbol->name != NULL;
}

static bool each_symbol(struct elf_file *file, Elf_Scn *section, elf_symbol_fn *each, void *context)
{
	struct symbol_table table;
	GElf_Shdr header;
	bool dynamic;

	if (!load_table(file, section, &table))
		return true;
	dynamic = gelf_getshdr(section, &header) && header.sh_type == SHT_DYNSYM;
	for (size_t i = 1; i < table.count && i < INT32_MAX; i++) {
		struct elf_symbol symbol;

		if (table_symbol(&table, i, dynamic, &symbol) && !each(context, &symbol))
			return false;
	}
	return true;
}

/* The first section of a type, in file order. */
static Elf_Scn *find_section(struct elf_file *file, uint32_t type)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	unsigned int count = 0;

	while (count++ < ELF_SECTIONS_MAX && (section = elf_nextscn(file->elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == type)
			return section;
	}
	return NULL;
}

void elf_file_symbols(struct elf_file *file, elf_symbol_fn *each, void *context)
{
	Elf_Scn *dynamic = find_section(file, SHT_DYNSYM);

	if (dynamic && !each_symbol(file, dynamic, each, context))
		return;
	each_symbol(file, find_section(file, SHT_SYMTAB), each, context);
}

static bool is_slot_type(uint32_t type)
{
	return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT ||
	       type == R_X86_64_IRELATIVE || type == R_X86_64_RELATIVE || type == R_X86_64_64;
}

static bool each_relocation(Elf_Scn *section, const struct symbol_table *names,
			    elf_relocation_fn *each, void *context)
{
	GElf_Shdr header;
	Elf_Data *data = section_data(section, ELF_DYNAMIC_MAX, &header);

	if (!data || header.sh_entsize != sizeof(Elf64_Rela))
		return true;
	for (size_t i = 0; i < data->d_size / sizeof(Elf64_Rela) && i < INT32_MAX; i++) {
		struct elf_relocation relocation = {0};
		GElf_Sym symbol;
		GElf_Rela raw;

		if (!gelf_getrela(data, (int)i, &raw) || !is_slot_type(GELF_R_TYPE(raw.r_info)))
			continue;
		relocation.slot = raw.r_offset;
		relocation.addend = (uint64_t)raw.r_addend;
		relocation.type = GELF_R_TYPE(raw.r_info);
		if (GELF_R_SYM(raw.r_info) != 0 && GELF_R_SYM(raw.r_info) < names->count &&
		    gelf_getsym(names->symbols, (int)GELF_R_SYM(raw.r_info), &symbol))
			relocation.name = table_name(names, symbol.st_name);
		if (!each(context, &relocation))
			return false;
	}
	return true;
}

void elf_file_relocations(struct elf_file *file, elf_relocation_fn *each, void *context)
{
	Elf_Scn *dynamic = find_section(file, SHT_DYNSYM), *section = NULL;
	unsigned int count = 0, used = 0;
	struct symbol_table names;
	GElf_Shdr header;

	/* A static program has relocations (of IFUNCs) without symbols. */
	if (!load_table(file, dynamic, &names))
		names.count = 0;
	while (count++ < ELF_SECTIONS_MAX && used < ELF_RELOCATION_SECTIONS_MAX &&
	       (section = elf_nextscn(file->elf, section))) {
		/* Those of object files kept by --emit-relocs are not for the dynamic linker. */
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_RELA ||
		    !(header.sh_flags & SHF_ALLOC))
			continue;
		used++;
		if (!each_relocation(section, &names, each, context))
			return;
	}
}
