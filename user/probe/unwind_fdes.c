// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the list of FDEs (one function's information each): those of all sources are listed, sorted,
 * and freed from overlaps.
 *
 * Files are hostile: libelf reads them with pread (a mapped file that shrinks would kill us), and
 * sizes and counts have limits. Invariant after unwind_fdes_read(): ranges ascend, none is empty, and
 * no two have an address in common.
 */
#include "unwind_fdes.h"

#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "../target/elf_image.h"
#include "unwind_bottom.h"
#include "unwind_check.h"
#include "unwind_input.h"

#define FDES_MAX    (1u << 22)
#define START_BYTES 64 /* of the code at the entry point */

/* ---- the file ---- */

static int read_code(struct unwind_fdes *f, Elf *elf)
{
	size_t count, i;
	GElf_Ehdr header;
	GElf_Phdr p;

	if (!gelf_getehdr(elf, &header) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64 ||
	    (header.e_type != ET_EXEC && header.e_type != ET_DYN))
		return -ENOEXEC;
	f->entry = header.e_entry;
	if (elf_getphdrnum(elf, &count))
		return -ENOEXEC;
	for (i = 0; i < count && f->code_count < UNWIND_CODE_RANGES; i++) {
		if (!gelf_getphdr(elf, (int)i, &p))
			return -ENOEXEC;
		if (p.p_type != PT_LOAD || !(p.p_flags & PF_X) || !p.p_memsz ||
		    p.p_vaddr > UINT64_MAX - p.p_memsz)
			continue;
		f->code[f->code_count++] = (struct unwind_range){p.p_vaddr, p.p_vaddr + p.p_memsz};
	}
	return f->code_count ? 0 : -ENODATA;
}

bool unwind_fdes_is_code(const struct unwind_fdes *f, uint64_t address)
{
	size_t i;

	for (i = 0; i < f->code_count; i++) {
		if (address >= f->code[i].start && address < f->code[i].end)
			return true;
	}
	return false;
}

/* The section's contents, uncompressed; NULL: not there or not usable. */
static Elf_Data *section_data(Elf *elf, const char *name, uint64_t *address)
{
	Elf_Scn *section = NULL;
	size_t names;
	GElf_Shdr h;
	GElf_Chdr c;
	const char *is;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &h) || h.sh_type == SHT_NOBITS)
			continue;
		is = elf_strptr(elf, names, h.sh_name);
		if (!is || strcmp(is, name) != 0)
			continue;
		if (h.sh_size > UNWIND_SECTION_MAX)
			return NULL;
		if ((h.sh_flags & SHF_COMPRESSED) &&
		    (!gelf_getchdr(section, &c) || c.ch_size > UNWIND_SECTION_MAX ||
		     elf_compress(section, 0, 0) < 0))
			return NULL;
		*address = h.sh_addr;
		return elf_getdata(section, NULL);
	}
	return NULL;
}

static void add_eh_frame(struct unwind_fdes *f, Elf *elf)
{
	struct unwind_source *s = &f->sources[f->source_count];

	*s = (struct unwind_source){.elf = elf, .eh = true};
	s->data = section_data(elf, ".eh_frame", &s->address);
	if (!s->data || !s->data->d_buf)
		return;
	if (!unwind_check_section(elf, s->data, true)) {
		f->refused = true;
		return;
	}
	s->cfi = unwind_check_cfi(elf);
	f->source_count += s->cfi != NULL;
}

static void source_done(struct unwind_source *s)
{
	if (s->eh)
		dwarf_cfi_end(s->cfi);
	dwarf_end(s->dwarf);
	elf_end(s->copy);
	free(s->image);
}

static void add_debug_frame(struct unwind_fdes *f, Elf *elf)
{
	struct unwind_source *s = &f->sources[f->source_count];
	size_t size;

	*s = (struct unwind_source){.elf = elf};
	s->data = section_data(elf, ".debug_frame", &s->address);
	if (!s->data || !s->data->d_buf)
		return;
	if (!unwind_check_section(elf, s->data, false)) {
		f->refused = true;
		return;
	}
	s->image = elf_image_new(&(struct elf_image_section){.name = ".debug_frame",
							     .bytes = s->data->d_buf,
							     .size = s->data->d_size,
							     .address = s->address},
				 1, &size);
	s->copy = s->image ? elf_memory(s->image, size) : NULL;
	s->dwarf = s->copy ? dwarf_begin_elf(s->copy, DWARF_C_READ, NULL) : NULL;
	s->cfi = s->dwarf ? dwarf_getcfi(s->dwarf) : NULL;
	if (s->cfi)
		f->source_count++;
	else
		source_done(s);
}

/* ---- FDEs ---- */

static bool add_fde(struct unwind_fdes *f, uint64_t start, uint64_t end, int source)
{
	if (f->count == f->capacity) {
		size_t more = f->capacity ? f->capacity * 2 : 1024;
		struct unwind_fde *fdes = realloc(f->fdes, more * sizeof(*fdes));

		if (!fdes)
			return false;
		f->fdes = fdes;
		f->capacity = more;
	}
	f->fdes[f->count++] = (struct unwind_fde){start, end, source};
	return true;
}

static uint64_t read_number(const uint8_t *at, uint8_t encoding)
{
	bool is_signed = encoding & DW_EH_PE_signed;
	uint64_t u8;
	uint32_t u4;
	uint16_t u2;

	switch (unwind_encoded_size(encoding)) {
	case 8: memcpy(&u8, at, 8); return u8;
	case 4: memcpy(&u4, at, 4); return is_signed ? (uint64_t)(int64_t)(int32_t)u4 : u4;
	case 2: memcpy(&u2, at, 2); return is_signed ? (uint64_t)(int64_t)(int16_t)u2 : u2;
	default: return 0;
	}
}

/* How the FDEs of a CIE write addresses; DW_EH_PE_omit: not known here. */
static uint8_t address_encoding(const Dwarf_CIE *cie)
{
	const char *a = cie->augmentation;
	const uint8_t *data = cie->augmentation_data;
	const uint8_t *end = data ? data + cie->augmentation_data_size : NULL;

	if (!a || *a != 'z')
		return a && *a ? DW_EH_PE_omit : DW_EH_PE_absptr;
	for (a++; *a; a++) {
		if (*a == 'S' || *a == 'B')
			continue;
		if (!data || data >= end)
			return DW_EH_PE_omit;
		if (*a == 'R')
			return *data;
		if (*a == 'P')
			data += unwind_encoded_size(*data);
		else if (*a != 'L')
			return DW_EH_PE_omit;
		data++;
	}
	return DW_EH_PE_absptr;
}

/* The range of an FDE; false: cannot be read, or is no code of this file. */
static bool fde_range(const struct unwind_fdes *f, const struct unwind_source *s,
		      const Dwarf_FDE *fde, uint8_t encoding, struct unwind_range *r)
{
	const uint8_t *data = s->data->d_buf;
	size_t size = unwind_encoded_size(encoding);
	uint64_t length;

	if (!size || encoding & DW_EH_PE_indirect || fde->end < fde->start ||
	    (size_t)(fde->end - fde->start) < 2 * size ||
	    (size_t)(fde->end - fde->start) > UNWIND_FDE_PROGRAM_MAX)
		return false;
	r->start = read_number(fde->start, encoding);
	if ((encoding & 0x70) == DW_EH_PE_pcrel)
		r->start += s->address + (uint64_t)(fde->start - data);
	else if (encoding & 0x70)
		return false;
	length = read_number(fde->start + size, encoding & 0x07);
	r->end = r->start + length;
	return length && r->end > r->start && unwind_fdes_is_code(f, r->start) &&
	       unwind_fdes_is_code(f, r->end - 1);
}

static int collect(struct unwind_fdes *f, int index)
{
	const struct unwind_source *s = &f->sources[index];
	const unsigned char *ident = (const unsigned char *)elf_getident(s->elf, NULL);
	uint64_t cie_at = UINT64_MAX;
	Dwarf_Off at = 0, next, ignored;
	uint8_t encoding = DW_EH_PE_omit;
	Dwarf_CFI_Entry entry, cie;
	struct unwind_range r;
	int result;

	while ((result = dwarf_next_cfi(ident, s->data, s->eh, at, &next, &entry)) != 1) {
		if (result < 0 && next <= at)
			return 0;
		at = next;
		if (result < 0 || dwarf_cfi_cie_p(&entry))
			continue;
		if (entry.fde.CIE_pointer != cie_at) {
			cie_at = entry.fde.CIE_pointer;
			encoding = DW_EH_PE_omit;
			if (!dwarf_next_cfi(ident, s->data, s->eh, cie_at, &ignored, &cie) &&
			    dwarf_cfi_cie_p(&cie))
				encoding = s->eh ? address_encoding(&cie.cie) : DW_EH_PE_absptr;
		}
		if (encoding == DW_EH_PE_omit || !fde_range(f, s, &entry.fde, encoding, &r))
			continue;
		if (f->count >= FDES_MAX)
			return -E2BIG;
		if (!add_fde(f, r.start, r.end, index) ||
		    (unwind_is_bottom(s->elf, r.start, r.end) &&
		     !add_fde(f, r.start - 1, r.start, UNWIND_ENTRY)))
			return -ENOMEM;
	}
	return 0;
}

static int compare_fdes(const void *a, const void *b)
{
	const struct unwind_fde *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->source - y->source;
}

/* Ranges that overlap are cut: the earlier start wins, but the entry point's guess never does. */
static void separate(struct unwind_fdes *f)
{
	uint64_t end = 0;
	size_t i, n = 0;

	qsort(f->fdes, f->count, sizeof(*f->fdes), compare_fdes);
	for (i = 0; i < f->count; i++) {
		struct unwind_fde e = f->fdes[i];

		if (e.source == UNWIND_ENTRY) {
			if (e.start < end)
				continue;
			if (i + 1 < f->count && f->fdes[i + 1].start < e.end)
				e.end = f->fdes[i + 1].start;
		}
		if (e.start < end)
			e.start = end;
		if (e.start >= e.end)
			continue;
		end = e.end;
		f->fdes[n++] = e;
	}
	f->count = n;
}

/* ---- all ---- */

static int list(struct unwind_fdes *f)
{
	int err = 0, i;

	for (i = 0; !err && i < f->source_count; i++)
		err = collect(f, i);
	if (err)
		return err;
	/* where programs start there is often nothing, and nobody called that code */
	if (unwind_fdes_is_code(f, f->entry) &&
	    unwind_fdes_is_code(f, f->entry + START_BYTES - 1) &&
	    !add_fde(f, f->entry, f->entry + START_BYTES, UNWIND_ENTRY))
		return -ENOMEM;
	if (!f->count)
		return f->refused ? -EBADMSG : -ENODATA;
	separate(f);
	return 0;
}

int unwind_fdes_read(struct unwind_fdes *f, Elf *elf, Elf *debug)
{
	int err;

	memset(f, 0, sizeof(*f));
	err = read_code(f, elf);
	if (err)
		return err;
	add_eh_frame(f, elf);
	add_debug_frame(f, elf);
	if (debug)
		add_debug_frame(f, debug);
	return list(f);
}

void unwind_fdes_done(struct unwind_fdes *f)
{
	int i;

	for (i = 0; i < f->source_count; i++)
		source_done(&f->sources[i]);
	free(f->fdes);
	memset(f, 0, sizeof(*f));
}
