// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * elfutils runs the programs in call frame information as they are: a register number makes it
 * allocate 16 bytes for each register below it, up to 2 GB, each remembered state is a copy of all
 * that, and an operand may lie behind the end of the section. So each entry is looked at here
 * first. A section with one entry that no compiler writes is not used at all, because elfutils finds
 * entries by itself and would come upon that one, too.
 *
 * Invariant: what was let through can make elfutils allocate some kilobytes for a row, and read
 * nothing outside of the section.
 */
#include "unwind_check.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The numbers of x86-64's registers end at 130. */
#define REGISTERS_MAX 192
/* Compilers remember one state at a time. */
#define STATES_MAX	     16
#define CIE_PROGRAM_MAX	     1024
#define EXPRESSION_MAX	     256
#define EXPRESSION_BYTES_MAX (4u << 20) /* elfutils keeps 32 times this */

struct check {
	const unsigned char *ident;
	Elf_Data *data;
	bool eh;
	uint64_t expression_bytes; /* so far */

	/* The CIE that was asked for last: neighbours share one. */
	Dwarf_Off cie_at;
	bool cie_there; /* else elfutils finds none either, and leaves its FDEs out */
	bool cie_good, cie_sized;
	uint8_t encoding;
};

struct program {
	struct check *check;
	const uint8_t *at, *end;
	unsigned int states;
};

size_t unwind_encoded_size(uint8_t encoding)
{
	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8: return 8;
	case DW_EH_PE_udata4:
	case DW_EH_PE_sdata4: return 4;
	case DW_EH_PE_udata2:
	case DW_EH_PE_sdata2: return 2;
	default: return 0;
	}
}

static bool is_plain_encoding(uint8_t encoding)
{
	return unwind_encoded_size(encoding) &&
	       ((encoding & 0xf0) == 0 || (encoding & 0xf0) == DW_EH_PE_pcrel);
}

static bool skip(struct program *p, uint64_t bytes)
{
	if (bytes > (size_t)(p->end - p->at))
		return false;
	p->at += bytes;
	return true;
}

/* Signed ones are skipped in the same way. */
static bool number(struct program *p, uint64_t *value)
{
	*value = 0;
	for (unsigned int shift = 0; p->at < p->end; shift += 7) {
		uint8_t byte = *p->at++;

		if (shift < 64)
			*value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return shift < 70;
	}
	return false;
}

static bool skip_number(struct program *p)
{
	uint64_t ignored;

	return number(p, &ignored);
}

static bool small_register(struct program *p)
{
	uint64_t value;

	return number(p, &value) && value < REGISTERS_MAX;
}

static bool expression(struct program *p)
{
	uint64_t bytes;

	if (!number(p, &bytes) || bytes > EXPRESSION_MAX)
		return false;
	p->check->expression_bytes += bytes;
	return p->check->expression_bytes <= EXPRESSION_BYTES_MAX && skip(p, bytes);
}

/* Operations with operands behind the first byte. */
static bool extended(struct program *p, uint8_t operation)
{
	switch (operation) {
	case DW_CFA_nop: return true;
	case DW_CFA_advance_loc1: return skip(p, 1);
	case DW_CFA_advance_loc2: return skip(p, 2);
	case DW_CFA_advance_loc4: return skip(p, 4);
	case DW_CFA_restore_extended:
	case DW_CFA_undefined:
	case DW_CFA_same_value: return small_register(p);
	case DW_CFA_offset_extended:
	case DW_CFA_offset_extended_sf:
	case DW_CFA_GNU_negative_offset_extended:
	case DW_CFA_val_offset:
	case DW_CFA_val_offset_sf:
	case DW_CFA_register: return small_register(p) && skip_number(p);
	case DW_CFA_remember_state: return ++p->states <= STATES_MAX;
	case DW_CFA_restore_state: return p->states-- > 0;
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf: return skip_number(p) && skip_number(p);
	case DW_CFA_def_cfa_register:
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
	case DW_CFA_GNU_args_size: return skip_number(p);
	case DW_CFA_def_cfa_expression: return expression(p);
	case DW_CFA_expression:
	case DW_CFA_val_expression: return small_register(p) && expression(p);
	case DW_CFA_GNU_window_save: return true;
	default: return false;
	}
}

static bool check_program(struct check *check, const uint8_t *at, const uint8_t *end)
{
	struct program p = {.check = check, .at = at, .end = end};

	while (p.at < p.end) {
		uint8_t operation = *p.at++;
		bool good = true;

		switch (operation & 0xc0) {
		case 0: good = extended(&p, operation); break;
		case DW_CFA_offset: good = skip_number(&p); break;
		default: break; /* advance_loc, restore: all in that byte */
		}
		if (!good)
			return false;
	}
	return true;
}

/* The letters behind the 'z', each with its bytes of data. */
static bool check_augmentation(const Dwarf_CIE *cie, uint8_t *encoding)
{
	const uint8_t *data = cie->augmentation_data;
	size_t left = data ? cie->augmentation_data_size : 0;

	for (const char *letter = cie->augmentation + 1; *letter; letter++) {
		size_t bytes = 1;

		if (*letter == 'S' || *letter == 'B')
			continue;
		if (left && *letter == 'P' && unwind_encoded_size(*data))
			bytes += unwind_encoded_size(*data);
		else if (*letter != 'R' && *letter != 'L')
			return false;
		if (left < bytes)
			return false;
		if (*letter == 'R')
			*encoding = *data;
		data += bytes;
		left -= bytes;
	}
	return true;
}

static bool check_cie(struct check *check, const Dwarf_CIE *cie, uint8_t *encoding)
{
	const uint8_t *program = cie->initial_instructions;

	*encoding = DW_EH_PE_absptr;
	if (cie->initial_instructions_end - program > CIE_PROGRAM_MAX)
		return false;
	if (cie->augmentation[0] && (cie->augmentation[0] != 'z' || !check->eh))
		return false;
	if (cie->augmentation[0] && !check_augmentation(cie, encoding))
		return false;
	return is_plain_encoding(*encoding) &&
	       check_program(check, program, cie->initial_instructions_end);
}

/* It may lie anywhere, also within another entry. */
static void load_cie(struct check *check, Dwarf_Off at)
{
	Dwarf_CFI_Entry entry;
	Dwarf_Off ignored;

	if (check->cie_at == at)
		return;
	check->cie_at = at;
	check->cie_there =
		!dwarf_next_cfi(check->ident, check->data, check->eh, at, &ignored, &entry) &&
		dwarf_cfi_cie_p(&entry);
	if (!check->cie_there)
		return;
	check->cie_good = check_cie(check, &entry.cie, &check->encoding);
	check->cie_sized = entry.cie.augmentation[0] == 'z';
}

static bool check_fde(struct check *check, const Dwarf_FDE *fde)
{
	struct program p = {.check = check, .at = fde->start, .end = fde->end};
	uint64_t bytes;

	load_cie(check, fde->CIE_pointer);
	if (!check->cie_there)
		return true;
	if (!check->cie_good || !skip(&p, 2 * unwind_encoded_size(check->encoding)))
		return false;
	if (check->cie_sized && (!number(&p, &bytes) || !skip(&p, bytes)))
		return false;
	return p.end - p.at <= UNWIND_FDE_PROGRAM_MAX && check_program(check, p.at, p.end);
}

bool unwind_check_section(Elf *elf, Elf_Data *data, bool eh)
{
	struct check check = {.data = data, .eh = eh, .cie_at = UINT64_MAX};
	Dwarf_Off at = 0, next = 0;
	Dwarf_CFI_Entry entry;
	uint8_t ignored;
	int result;

	check.ident = (const unsigned char *)elf_getident(elf, NULL);
	while ((result = dwarf_next_cfi(check.ident, data, eh, at, &next, &entry)) != 1) {
		/* elfutils does not come farther either */
		if (result < 0 && next <= at)
			return true;
		at = next;
		if (result < 0)
			continue;
		if (dwarf_cfi_cie_p(&entry) ? !check_cie(&check, &entry.cie, &ignored)
					    : !check_fde(&check, &entry.fde))
			return false;
	}
	return true;
}

/* ---- the file around the section ---- */

static const char *section_name(Elf *elf, Elf_Scn *section, size_t names, GElf_Shdr *header)
{
	const char *name = NULL;

	*header = (GElf_Shdr){0};
	if (gelf_getshdr(section, header))
		name = elf_strptr(elf, names, header->sh_name);
	return name ? name : "";
}

/* elfutils knows the table by its name; in memory only, that name loses its dot, or gets it back. */
static void move_table_name(Elf *elf, const char *from, int by)
{
	Elf_Scn *section = NULL;
	size_t names;
	GElf_Shdr h;

	if (elf_getshdrstrndx(elf, &names))
		return;
	while ((section = elf_nextscn(elf, section))) {
		if (strcmp(section_name(elf, section, names, &h), from) != 0)
			continue;
		h.sh_name = (GElf_Word)((int64_t)h.sh_name + by);
		gelf_update_shdr(section, &h);
	}
}

Dwarf_CFI *unwind_check_cfi(Elf *elf)
{
	static const char name[] = ".eh_frame_hdr";
	Dwarf_CFI *cfi;

	move_table_name(elf, name, 1);
	cfi = dwarf_getcfi_elf(elf);
	move_table_name(elf, name + 1, -1);
	return cfi;
}
