// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the way from call frame information to rows. The FDEs (one function's information each) of
 * all sources are listed first, sorted, and freed from overlaps; then elfutils runs each one's
 * program and says, from row to row, how the frame is left.
 *
 * A peculiarity of elfutils: a row's start may be that of a remembered state, so a row starts where
 * we asked and only its end is believed. A return address that is undefined marks the outermost
 * frame.
 *
 * Files are hostile: libelf reads them with pread (a mapped file that shrinks would kill us), and
 * sizes, counts and time have limits. Invariant: rows ascend by address, neighbours differ in rule.
 */
#include "unwind_build.h"

#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../include/unwind_row.h"
#include "../base/clock.h"
#include "unwind_check.h"

#define SOURCES_MAX   3
#define SEGMENTS_MAX  16
#define SECTION_MAX   (512ull << 20)
#define FDES_MAX      (1u << 22)
#define ROWS_MAX      (1u << 24)
#define PAGES_MAX     (1u << 19) /* 2 GB of code */
#define TIME_MAX_NS   (20ull * NS_PER_S)
#define GENERATED_MIN (1ull << 20)
#define PADDING_MAX   15 /* between functions, never executed */
#define START_BYTES   64 /* of the code at the entry point */
#define PAGE_SIZE_ELF (1ull << UNWIND_PAGE_BITS)

#define REGISTER_RBP 6
#define REGISTER_RSP 7
#define REGISTER_RA  16

struct source {
	Elf *elf;
	Dwarf *dwarf;
	Dwarf_CFI *cfi; /* of .eh_frame belongs to elf, of .debug_frame to dwarf */
	Elf_Data *data;
	uint64_t address; /* of the section */
	bool eh;
};

struct range {
	uint64_t start, end;
};

struct fde {
	uint64_t start, end;
	int source; /* SOURCE_ENTRY: the code at the entry point */
};

#define SOURCE_ENTRY SOURCES_MAX

struct build {
	struct source sources[SOURCES_MAX];
	int source_count;
	bool refused; /* a section that elfutils must not get */
	struct range code[SEGMENTS_MAX];
	size_t code_count;
	uint64_t entry;
	struct fde *fdes;
	size_t fde_count, fde_capacity;
	struct unwind_table *table;
	size_t row_capacity;
	uint64_t end_ns;
	unsigned int steps;
};

/* ---- the file ---- */

static int read_code(struct build *b, Elf *elf)
{
	size_t count, i;
	GElf_Ehdr header;
	GElf_Phdr p;

	if (!gelf_getehdr(elf, &header) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64 ||
	    (header.e_type != ET_EXEC && header.e_type != ET_DYN))
		return -ENOEXEC;
	b->entry = header.e_entry;
	if (elf_getphdrnum(elf, &count))
		return -ENOEXEC;
	for (i = 0; i < count && b->code_count < SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(elf, (int)i, &p))
			return -ENOEXEC;
		if (p.p_type != PT_LOAD || !(p.p_flags & PF_X) || !p.p_memsz ||
		    p.p_vaddr > UINT64_MAX - p.p_memsz)
			continue;
		b->code[b->code_count++] = (struct range){p.p_vaddr, p.p_vaddr + p.p_memsz};
	}
	return b->code_count ? 0 : -ENODATA;
}

static bool is_code(const struct build *b, uint64_t address)
{
	size_t i;

	for (i = 0; i < b->code_count; i++) {
		if (address >= b->code[i].start && address < b->code[i].end)
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
		if (h.sh_size > SECTION_MAX)
			return NULL;
		if ((h.sh_flags & SHF_COMPRESSED) &&
		    (!gelf_getchdr(section, &c) || c.ch_size > SECTION_MAX ||
		     elf_compress(section, 0, 0) < 0))
			return NULL;
		*address = h.sh_addr;
		return elf_getdata(section, NULL);
	}
	return NULL;
}

static void add_eh_frame(struct build *b, Elf *elf)
{
	struct source *s = &b->sources[b->source_count];

	*s = (struct source){.elf = elf, .eh = true};
	s->data = section_data(elf, ".eh_frame", &s->address);
	if (!s->data || !s->data->d_buf)
		return;
	if (!unwind_check_section(elf, s->data, true)) {
		b->refused = true;
		return;
	}
	s->cfi = unwind_check_open(elf);
	b->source_count += s->cfi != NULL;
}

static void add_debug_frame(struct build *b, Elf *elf)
{
	struct source *s = &b->sources[b->source_count];

	*s = (struct source){.elf = elf};
	s->data = section_data(elf, ".debug_frame", &s->address);
	if (!s->data || !s->data->d_buf)
		return;
	if (!unwind_check_section(elf, s->data, false) || !unwind_check_debug(elf)) {
		b->refused = true;
		return;
	}
	s->dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (s->dwarf)
		s->cfi = dwarf_getcfi(s->dwarf);
	if (s->cfi)
		b->source_count++;
	else
		dwarf_end(s->dwarf);
}

/* ---- FDEs ---- */

static bool add_fde(struct build *b, uint64_t start, uint64_t end, int source)
{
	if (b->fde_count == b->fde_capacity) {
		size_t more = b->fde_capacity ? b->fde_capacity * 2 : 1024;
		struct fde *fdes = realloc(b->fdes, more * sizeof(*fdes));

		if (!fdes)
			return false;
		b->fdes = fdes;
		b->fde_capacity = more;
	}
	b->fdes[b->fde_count++] = (struct fde){start, end, source};
	return true;
}

static size_t encoded_size(uint8_t encoding)
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

static uint64_t read_number(const uint8_t *at, uint8_t encoding)
{
	bool is_signed = encoding & DW_EH_PE_signed;
	uint64_t u8;
	uint32_t u4;
	uint16_t u2;

	switch (encoded_size(encoding)) {
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
			data += encoded_size(*data);
		else if (*a != 'L')
			return DW_EH_PE_omit;
		data++;
	}
	return DW_EH_PE_absptr;
}

/* The range of an FDE; false: cannot be read, or is no code of this file. */
static bool fde_range(const struct build *b, const struct source *s, const Dwarf_FDE *fde,
		      uint8_t encoding, struct range *r)
{
	const uint8_t *data = s->data->d_buf;
	size_t size = encoded_size(encoding);
	uint64_t length;

	if (!size || encoding & DW_EH_PE_indirect || fde->end < fde->start ||
	    (size_t)(fde->end - fde->start) < 2 * size)
		return false;
	r->start = read_number(fde->start, encoding);
	if ((encoding & 0x70) == DW_EH_PE_pcrel)
		r->start += s->address + (uint64_t)(fde->start - data);
	else if (encoding & 0x70)
		return false;
	length = read_number(fde->start + size, encoding & 0x07);
	r->end = r->start + length;
	return length && r->end > r->start && is_code(b, r->start) && is_code(b, r->end - 1);
}

static int collect(struct build *b, int index)
{
	const struct source *s = &b->sources[index];
	const unsigned char *ident = (const unsigned char *)elf_getident(s->elf, NULL);
	uint64_t cie_at = UINT64_MAX;
	Dwarf_Off at = 0, next, ignored;
	uint8_t encoding = DW_EH_PE_omit;
	Dwarf_CFI_Entry entry, cie;
	struct range r;
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
		if (encoding == DW_EH_PE_omit || !fde_range(b, s, &entry.fde, encoding, &r))
			continue;
		if (b->fde_count >= FDES_MAX)
			return -E2BIG;
		if (!add_fde(b, r.start, r.end, index))
			return -ENOMEM;
	}
	return 0;
}

static int compare_fdes(const void *a, const void *b)
{
	const struct fde *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->source - y->source;
}

/* Ranges that overlap are cut: the earlier start wins, but the entry point's guess never does. */
static void separate(struct build *b)
{
	uint64_t end = 0;
	size_t i, n = 0;

	qsort(b->fdes, b->fde_count, sizeof(*b->fdes), compare_fdes);
	for (i = 0; i < b->fde_count; i++) {
		struct fde f = b->fdes[i];

		if (f.source == SOURCE_ENTRY) {
			if (f.start < end)
				continue;
			if (i + 1 < b->fde_count && b->fdes[i + 1].start < f.end)
				f.end = b->fdes[i + 1].start;
		}
		if (f.start < end)
			f.start = end;
		if (f.start >= f.end)
			continue;
		end = f.end;
		b->fdes[n++] = f;
	}
	b->fde_count = n;
}

/* ---- rules ---- */

static uint32_t special(uint32_t kind)
{
	return UNWIND_RULE_SPECIAL(kind);
}

/* Saved at CFA + *offset? */
static bool at_cfa(const Dwarf_Op *ops, size_t count, int64_t *offset)
{
	if (!count || ops[0].atom != DW_OP_call_frame_cfa || count > 2)
		return false;
	*offset = 0;
	if (count == 2 && ops[1].atom != DW_OP_plus_uconst)
		return false;
	if (count == 2)
		*offset = (int64_t)ops[1].number;
	return true;
}

static bool multiple_within(int64_t value, int64_t min, int64_t max)
{
	return value % 8 == 0 && value >= min && value <= max;
}

/* Register and offset of the address that an operation pushes. */
static bool base_register(const Dwarf_Op *op, uint64_t *number, int64_t *offset)
{
	if (op->atom == DW_OP_bregx) {
		*number = op->number;
		*offset = (int64_t)op->number2;
	} else if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		*number = op->atom - DW_OP_breg0;
		*offset = (int64_t)op->number;
	} else {
		return false;
	}
	return *number == REGISTER_RBP || *number == REGISTER_RSP;
}

/* The linkers' expression for lazy binding stubs: from some byte of 16 on, one word is pushed. */
static uint32_t plt_from(const Dwarf_Op *ops, size_t count)
{
	static const uint8_t form[] = {DW_OP_breg7, DW_OP_breg16, DW_OP_lit15, DW_OP_and, 0,
				       DW_OP_ge,    DW_OP_lit3,	  DW_OP_shl,   DW_OP_plus};
	size_t i;

	if (count != sizeof(form) || ops[0].number != 8 || ops[1].number != 0)
		return 0;
	for (i = 0; i < sizeof(form); i++) {
		if (form[i] && ops[i].atom != form[i])
			return 0;
	}
	if (ops[4].atom <= DW_OP_lit0 || ops[4].atom > DW_OP_lit15)
		return 0;
	return ops[4].atom - DW_OP_lit0;
}

/* Base and cfa field; UNWIND_NO_INFO when the form is none of ours. */
static uint32_t cfa_rule(const Dwarf_Op *ops, size_t count)
{
	int64_t offset, outer = 0;
	uint64_t number;
	bool on_rbp;

	if (count && plt_from(ops, count))
		return UNWIND_RULE_PLT(plt_from(ops, count));
	if (!count || count > 3 || !base_register(&ops[0], &number, &offset))
		return special(UNWIND_NO_INFO);
	on_rbp = number == REGISTER_RBP;
	if (count == 1)
		return multiple_within(offset, 0, UNWIND_CFA_MAX)
			       ? UNWIND_RULE(on_rbp ? UNWIND_RBP : UNWIND_RSP, offset / 8, 0, 0)
			       : special(UNWIND_NO_INFO);
	if (ops[1].atom != DW_OP_deref || (count == 3 && ops[2].atom != DW_OP_plus_uconst))
		return special(UNWIND_NO_INFO);
	if (count == 3)
		outer = (int64_t)ops[2].number;
	if (!multiple_within(offset, UNWIND_DEREF_INNER_MIN, UNWIND_DEREF_INNER_MAX) ||
	    !multiple_within(outer, 0, UNWIND_DEREF_OUTER_MAX))
		return special(UNWIND_NO_INFO);
	return UNWIND_RULE(UNWIND_DEREF, UNWIND_DEREF_CFA(on_rbp, offset / 8, outer / 8), 0, 0);
}

static uint32_t rbp_rule(const Dwarf_Op *ops, size_t count)
{
	int64_t offset;
	uint64_t number;

	if (!count)
		return UNWIND_RULE(0, 0, ops ? UNWIND_RBP_UNKNOWN : UNWIND_RBP_SAME, 0);
	if (at_cfa(ops, count, &offset) &&
	    multiple_within(-offset, UNWIND_RBP_OFFSET_MIN, UNWIND_RBP_OFFSET_MAX))
		return UNWIND_RULE(0, 0, UNWIND_RBP_AT_CFA, -offset / 8);
	/* an expression begins with the CFA on its stack, which this one does not use */
	if (count == 2 && ops[0].atom == DW_OP_call_frame_cfa &&
	    base_register(&ops[1], &number, &offset) && number == REGISTER_RBP &&
	    multiple_within(-offset, UNWIND_RBP_OFFSET_MIN, UNWIND_RBP_OFFSET_MAX))
		return UNWIND_RULE(0, 0, UNWIND_RBP_AT_RBP, -offset / 8);
	return UNWIND_RULE(0, 0, UNWIND_RBP_UNKNOWN, 0);
}

static uint32_t frame_rule(Dwarf_Frame *frame, bool signal)
{
	Dwarf_Op space[3], *ops;
	int64_t offset;
	uint32_t rule;
	size_t count;

	if (signal)
		return special(UNWIND_SIGNAL);
	if (dwarf_frame_register(frame, REGISTER_RA, space, &ops, &count))
		return special(UNWIND_NO_INFO);
	if (!count)
		return special(ops ? UNWIND_STOP : UNWIND_NO_INFO);
	if (!at_cfa(ops, count, &offset) || offset != -8)
		return special(UNWIND_NO_INFO);
	if (dwarf_frame_cfa(frame, &ops, &count))
		return special(UNWIND_NO_INFO);
	rule = cfa_rule(ops, count);
	if (rule == special(UNWIND_NO_INFO))
		return rule;
	if (UNWIND_RULE_BASE(rule) == UNWIND_SPECIAL)
		return rule;
	if (dwarf_frame_register(frame, REGISTER_RBP, space, &ops, &count))
		return special(UNWIND_NO_INFO);
	return rule | rbp_rule(ops, count);
}

/* ---- rows ---- */

static int push_row(struct build *b, uint64_t address, uint32_t rule)
{
	struct unwind_table *t = b->table;
	uint64_t from = address - t->base, *rows;

	if (t->row_count && UNWIND_ROW_ADDRESS(t->rows[t->row_count - 1]) == from)
		t->row_count--;
	if (t->row_count && UNWIND_ROW_RULE(t->rows[t->row_count - 1]) == rule)
		return 0;
	if (t->row_count >= ROWS_MAX)
		return -E2BIG;
	if (t->row_count == b->row_capacity) {
		size_t more = b->row_capacity ? b->row_capacity * 2 : 4096;

		rows = realloc(t->rows, more * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		t->rows = rows;
		b->row_capacity = more;
	}
	t->rows[t->row_count++] = UNWIND_ROW(from, rule);
	return 0;
}

static int fde_rows(struct build *b, const struct fde *fde)
{
	uint64_t pc = fde->start, ignored, end;
	Dwarf_Frame *frame;
	bool signal;
	int err = 0;
	uint32_t rule;

	if (fde->source == SOURCE_ENTRY)
		return push_row(b, pc, special(UNWIND_STOP));
	while (!err && pc < fde->end) {
		if (b->steps++ % 256 == 0 && clock_monotonic_ns() > b->end_ns)
			return -E2BIG;
		if (dwarf_cfi_addrframe(b->sources[fde->source].cfi, pc, &frame))
			return push_row(b, pc, special(UNWIND_NO_INFO));
		if (dwarf_frame_info(frame, &ignored, &end, &signal) < 0)
			end = 0;
		rule = end > pc ? frame_rule(frame, signal) : special(UNWIND_NO_INFO);
		free(frame);
		err = push_row(b, pc, rule);
		if (end <= pc)
			break;
		pc = end;
	}
	return err;
}

/*
 * Between `end` and the next FDE nothing is known. A gap as large as no library without tables
 * leaves is code that was generated when the program was built (JavaScript engines have it): it
 * keeps frame pointers, as generated code does.
 */
static uint32_t gap_rule(const struct build *b, uint64_t end, size_t next)
{
	uint64_t limit = next < b->fde_count ? b->fdes[next].start : UINT64_MAX;
	size_t i;

	for (i = 0; i < b->code_count; i++) {
		if (end >= b->code[i].start && end < b->code[i].end && b->code[i].end < limit)
			limit = b->code[i].end;
	}
	return limit != UINT64_MAX && limit - end >= GENERATED_MIN ? special(UNWIND_POINTER)
								   : special(UNWIND_NO_INFO);
}

static int make_rows(struct build *b)
{
	int err = push_row(b, b->table->base, gap_rule(b, b->table->base, 0));
	size_t i;

	for (i = 0; !err && i < b->fde_count; i++) {
		const struct fde *fde = &b->fdes[i];

		err = fde_rows(b, fde);
		if (!err && (i + 1 == b->fde_count || fde[1].start - fde->end > PADDING_MAX))
			err = push_row(b, fde->end, gap_rule(b, fde->end, i + 1));
	}
	return err;
}

static int index_pages(struct unwind_table *t)
{
	uint32_t last = UNWIND_ROW_ADDRESS(t->rows[t->row_count - 1]), row = 0, page;

	t->pages = (last >> UNWIND_PAGE_BITS) + 1;
	t->page_rows = malloc((t->pages + 1) * sizeof(*t->page_rows));
	if (!t->page_rows)
		return -ENOMEM;
	for (page = 0; page <= t->pages; page++) {
		while (row + 1 < t->row_count &&
		       UNWIND_ROW_ADDRESS(t->rows[row + 1]) <= (uint64_t)page << UNWIND_PAGE_BITS)
			row++;
		t->page_rows[page] = row;
	}
	return 0;
}

/* ---- all ---- */

static int set_base(struct build *b)
{
	uint64_t low = UINT64_MAX, high = 0;
	size_t i;

	for (i = 0; i < b->code_count; i++) {
		if (b->code[i].start < low)
			low = b->code[i].start;
		if (b->code[i].end > high)
			high = b->code[i].end;
	}
	b->table->base = low & ~(PAGE_SIZE_ELF - 1);
	return (high - b->table->base) >> UNWIND_PAGE_BITS < PAGES_MAX ? 0 : -E2BIG;
}

static int build(struct build *b)
{
	int err = set_base(b), i;

	for (i = 0; !err && i < b->source_count; i++)
		err = collect(b, i);
	if (err)
		return err;
	if (!b->fde_count && b->refused)
		return -EBADMSG;
	/* where programs start there is often nothing, and nobody called that code */
	if (is_code(b, b->entry) && is_code(b, b->entry + START_BYTES - 1) &&
	    !add_fde(b, b->entry, b->entry + START_BYTES, SOURCE_ENTRY))
		return -ENOMEM;
	if (!b->fde_count)
		return -ENODATA;
	separate(b);
	err = make_rows(b);
	return err ? err : index_pages(b->table);
}

static Elf *open_elf(int fd)
{
	struct stat st;
	Elf *elf;

	if (fd < 0 || fstat(fd, &st) || elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		return elf;
	elf_end(elf);
	return NULL;
}

static void close_sources(struct build *b)
{
	int i;

	for (i = 0; i < b->source_count; i++) {
		if (b->sources[i].eh)
			dwarf_cfi_end(b->sources[i].cfi);
		dwarf_end(b->sources[i].dwarf);
	}
}

int unwind_build(int fd, int debug_fd, struct unwind_table *table)
{
	struct build b = {.table = table, .end_ns = clock_monotonic_ns() + TIME_MAX_NS};
	Elf *elf = open_elf(fd), *debug = open_elf(debug_fd);
	int err = -ENOEXEC;

	memset(table, 0, sizeof(*table));
	if (elf)
		err = read_code(&b, elf);
	if (!err) {
		add_eh_frame(&b, elf);
		add_debug_frame(&b, elf);
		if (debug)
			add_debug_frame(&b, debug);
		err = build(&b);
	}
	close_sources(&b);
	elf_end(elf);
	elf_end(debug);
	free(b.fdes);
	if (err)
		unwind_table_done(table);
	return err;
}

void unwind_table_done(struct unwind_table *table)
{
	free(table->rows);
	free(table->page_rows);
	memset(table, 0, sizeof(*table));
}

uint32_t unwind_table_rule(const struct unwind_table *t, uint64_t address)
{
	uint64_t from = address - t->base, page = from >> UNWIND_PAGE_BITS;
	uint32_t low, high;

	if (page >= t->pages)
		return special(UNWIND_NO_INFO);
	low = t->page_rows[page];
	high = t->page_rows[page + 1];
	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;

		if (UNWIND_ROW_ADDRESS(t->rows[middle]) <= from)
			low = middle;
		else
			high = middle - 1;
	}
	return UNWIND_ROW_RULE(t->rows[low]);
}
