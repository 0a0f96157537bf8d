/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code of an ELF file: where a function begins and ends, and to which symbol a PLT stub jumps.
 *
 * Bounds come from symbols with a size; in a stripped file from .eh_frame, which every x86-64
 * compiler writes for all functions: its entries are enumerated once into a sorted array (the
 * search table of .eh_frame_hdr is optional and says nothing of the ends). A PLT stub is recognised
 * by what it does, not by its section: an optional endbr64, then an indirect jump through a word
 * that has a relocation with a symbol. Invariant: arrays are sorted by start and start < end.
 */
#include "elf.h"

#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"
#include "elf_private.h"

#define FRAMES_MAX_BYTES (256ull << 20)
#define RANGES_MAX	 (16u << 20)

static void add_range(struct elf_ranges *ranges, uint64_t start, uint64_t size)
{
	if (size == 0 || size > UINT64_MAX - start || ranges->count >= RANGES_MAX)
		return;
	if (ranges->count == ranges->capacity) {
		ranges->capacity = ranges->capacity ? ranges->capacity * 2 : 256;
		ranges->data = xrealloc(ranges->data, ranges->capacity * sizeof(*ranges->data));
	}
	ranges->data[ranges->count++] = (struct elf_range){start, start + size};
}

static int compare_ranges(const void *a, const void *b)
{
	const struct elf_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

static void sort_ranges(struct elf_ranges *ranges)
{
	if (ranges->count)
		qsort(ranges->data, ranges->count, sizeof(*ranges->data), compare_ranges);
}

/* The range that begins last before `address`; a few back, in case a short one lies inside a
 * longer. */
static const struct elf_range *find_range(const struct elf_ranges *ranges, uint64_t address)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->data[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && i + 8 > low; i--) {
		if (address < ranges->data[i - 1].end)
			return &ranges->data[i - 1];
	}
	return NULL;
}

/* A field of .eh_frame and where it is. */
struct encoded {
	const uint8_t *at, *end;
	uint64_t address; /* of `at` */
};

/* Fixed-size formats only: a variable length cannot be relocated, and no compiler emits it here. */
static bool read_encoded(struct encoded *field, uint8_t encoding, uint64_t *value)
{
	size_t size;
	uint64_t raw = 0;

	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8: size = 8; break;
	case DW_EH_PE_udata4:
	case DW_EH_PE_sdata4: size = 4; break;
	case DW_EH_PE_udata2:
	case DW_EH_PE_sdata2: size = 2; break;
	default: return false;
	}
	if (encoding == DW_EH_PE_omit || (size_t)(field->end - field->at) < size)
		return false;
	memcpy(&raw, field->at, size);
	if ((encoding & 0x0f) == DW_EH_PE_sdata4)
		raw = (uint64_t)(int64_t)(int32_t)(uint32_t)raw;
	else if ((encoding & 0x0f) == DW_EH_PE_sdata2)
		raw = (uint64_t)(int64_t)(int16_t)(uint16_t)raw;
	if ((encoding & 0x70) == DW_EH_PE_pcrel)
		raw += field->address;
	else if ((encoding & 0x70) != DW_EH_PE_absptr)
		return false;
	field->at += size;
	field->address += size;
	*value = raw;
	return true;
}

/* The 'R' of the augmentation: how an entry writes its addresses. */
static bool fde_encoding(const Dwarf_CIE *cie, uint8_t *encoding)
{
	const uint8_t *data = cie->augmentation_data;
	size_t left = cie->augmentation_data_size;

	*encoding = DW_EH_PE_absptr;
	if (cie->augmentation[0] != 'z')
		return cie->augmentation[0] == '\0';
	for (const char *c = cie->augmentation + 1; *c; c++) {
		size_t size = 1;

		if (*c == 'S' || *c == 'B')
			continue;
		if (left == 0)
			return false;
		if (*c == 'R') {
			*encoding = *data;
			return true;
		}
		if (*c == 'P') {
			switch (*data & 0x0f) {
			case DW_EH_PE_absptr:
			case DW_EH_PE_udata8:
			case DW_EH_PE_sdata8: size = 9; break;
			case DW_EH_PE_udata4:
			case DW_EH_PE_sdata4: size = 5; break;
			case DW_EH_PE_udata2:
			case DW_EH_PE_sdata2: size = 3; break;
			default: return false;
			}
		} else if (*c != 'L') {
			return false;
		}
		if (left < size)
			return false;
		data += size;
		left -= size;
	}
	return true;
}

struct frames {
	const unsigned char *ident;
	Elf_Data data;
	uint64_t address;
	/* The encoding of the CIE read last: neighbours share one. */
	Dwarf_Off cie_offset;
	bool cie_ok;
	uint8_t encoding;
};

static bool load_cie(struct frames *frames, Dwarf_Off offset)
{
	Dwarf_CFI_Entry entry;
	Dwarf_Off next;

	if (frames->cie_offset == offset)
		return frames->cie_ok;
	frames->cie_offset = offset;
	frames->cie_ok =
		offset < frames->data.d_size &&
		dwarf_next_cfi(frames->ident, &frames->data, true, offset, &next, &entry) == 0 &&
		dwarf_cfi_cie_p(&entry) && fde_encoding(&entry.cie, &frames->encoding);
	return frames->cie_ok;
}

static void add_frame(struct frames *frames, const Dwarf_FDE *fde, struct elf_ranges *ranges)
{
	struct encoded field = {fde->start, fde->end, 0};
	uint64_t start, size;

	if (!load_cie(frames, fde->CIE_pointer))
		return;
	field.address =
		frames->address + (uint64_t)(fde->start - (const uint8_t *)frames->data.d_buf);
	if (read_encoded(&field, frames->encoding, &start) &&
	    read_encoded(&field, frames->encoding & 0x0f, &size))
		add_range(ranges, start, size);
}

static void enumerate_frames(struct frames *frames, struct elf_ranges *ranges)
{
	Dwarf_Off offset = 0, next;
	Dwarf_CFI_Entry entry;

	while (offset < frames->data.d_size) {
		int result =
			dwarf_next_cfi(frames->ident, &frames->data, true, offset, &next, &entry);

		if (result > 0 || next <= offset)
			return;
		if (result == 0 && !dwarf_cfi_cie_p(&entry))
			add_frame(frames, &entry.fde, ranges);
		offset = next;
	}
}

/* Address of .eh_frame from the header that every loaded file has. */
static bool frames_address(const struct elf_file *file, uint64_t *address)
{
	uint8_t header[12];
	struct encoded field = {header + 4, header + sizeof(header), file->frame_header + 4};

	if (file->frame_header == 0 ||
	    elf_file_read(file, file->frame_header, header, sizeof(header)) !=
		    (ssize_t)sizeof(header) ||
	    header[0] != 1)
		return false;
	return read_encoded(&field, header[1], address);
}

/* The size is not in the header: up to the end of the segment, a zero word ends the entries before.
 */
static uint64_t frames_room(const struct elf_file *file, uint64_t address)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const struct elf_segment *s = &file->segments[i];

		if (address >= s->address && address - s->address < s->file_size)
			return s->file_size - (address - s->address);
	}
	return 0;
}

static void load_frames(struct elf_file *file)
{
	struct frames frames = {.cie_offset = UINT64_MAX};
	uint64_t room;
	uint8_t *bytes;
	ssize_t n;

	file->have_frames = true;
	frames.ident = (const unsigned char *)elf_getident(file->elf, NULL);
	if (!frames.ident || !frames_address(file, &frames.address))
		return;
	room = frames_room(file, frames.address);
	if (room < 8 || room > FRAMES_MAX_BYTES)
		return;
	/* libdw looks at a word before it looks at the length. */
	bytes = xcalloc(1, (size_t)room + 16);
	n = elf_file_read(file, frames.address, bytes, (size_t)room);
	if (n > 8) {
		frames.data.d_buf = bytes;
		frames.data.d_size = (size_t)n;
		frames.data.d_type = ELF_T_BYTE;
		frames.data.d_version = EV_CURRENT;
		enumerate_frames(&frames, &file->frames);
		sort_ranges(&file->frames);
	}
	free(bytes);
}

bool elf_file_frame(struct elf_file *file, uint64_t address, uint64_t *start, uint64_t *end)
{
	const struct elf_range *range;

	if (!file->have_frames)
		load_frames(file);
	range = find_range(&file->frames, address);
	*start = range ? range->start : 0;
	*end = range ? range->end : 0;
	return range != NULL;
}

static bool collect_symbol(void *context, const struct elf_symbol *symbol)
{
	struct elf_file *file = context;

	if (symbol->type == STT_FUNC || symbol->type == STT_GNU_IFUNC)
		add_range(&file->symbols, symbol->address, symbol->size);
	return true;
}

bool elf_file_function(struct elf_file *file, uint64_t address, uint64_t *start, uint64_t *end)
{
	const struct elf_range *range;

	if (!file->have_symbols) {
		file->have_symbols = true;
		elf_file_symbols(file, collect_symbol, file);
		sort_ranges(&file->symbols);
	}
	range = find_range(&file->symbols, address);
	if (!range)
		return elf_file_frame(file, address, start, end);
	*start = range->start;
	*end = range->end;
	return true;
}

static bool collect_slot(void *context, const struct elf_relocation *relocation)
{
	struct elf_file *file = context;

	if (!relocation->name || relocation->type == R_X86_64_64 || file->slot_count >= RANGES_MAX)
		return true;
	if (file->slot_count == file->slot_capacity) {
		file->slot_capacity = file->slot_capacity ? file->slot_capacity * 2 : 64;
		file->slots = xrealloc(file->slots, file->slot_capacity * sizeof(*file->slots));
	}
	file->slots[file->slot_count++] = (struct elf_slot){relocation->slot, relocation->name};
	return true;
}

static int compare_slots(const void *a, const void *b)
{
	const struct elf_slot *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

const char *elf_file_slot(struct elf_file *file, uint64_t slot)
{
	struct elf_slot key = {slot, NULL}, *found;

	if (!file->have_slots) {
		file->have_slots = true;
		elf_file_relocations(file, collect_slot, file);
		if (file->slot_count)
			qsort(file->slots, file->slot_count, sizeof(*file->slots), compare_slots);
	}
	if (!file->slot_count)
		return NULL;
	found = bsearch(&key, file->slots, file->slot_count, sizeof(*file->slots), compare_slots);
	return found ? found->name : NULL;
}

static const uint8_t ENDBR64[4] = {0xf3, 0x0f, 0x1e, 0xfa};

const char *elf_file_stub(struct elf_file *file, uint64_t address)
{
	uint8_t code[16] = {0};
	size_t at = 0;
	int32_t distance;

	if (!elf_file_is_code(file, address) ||
	    elf_file_read(file, address, code, sizeof(code)) < 6)
		return NULL;
	if (memcmp(code, ENDBR64, sizeof(ENDBR64)) == 0)
		at += sizeof(ENDBR64);
	if (code[at] == 0xf2) /* bnd */
		at++;
	if (code[at] != 0xff || code[at + 1] != 0x25)
		return NULL;
	memcpy(&distance, code + at + 2, sizeof(distance));
	return elf_file_slot(file, address + at + 6 + (uint64_t)(int64_t)distance);
}

bool elf_file_jump(const struct elf_file *file, uint64_t address, uint64_t *target)
{
	uint8_t code[16] = {0};
	int32_t distance;
	size_t at = 0;

	if (elf_file_read(file, address, code, sizeof(code)) < 10)
		return false;
	if (memcmp(code, ENDBR64, sizeof(ENDBR64)) == 0)
		at += sizeof(ENDBR64);
	if (code[at] == 0xf2) /* bnd */
		at++;
	if (code[at] == 0xeb) {
		*target = address + at + 2 + (uint64_t)(int64_t)(int8_t)code[at + 1];
		return true;
	}
	if (code[at] != 0xe9)
		return false;
	memcpy(&distance, code + at + 1, sizeof(distance));
	*target = address + at + 5 + (uint64_t)(int64_t)distance;
	return true;
}

void elf_code_done(struct elf_file *file)
{
	free(file->symbols.data);
	free(file->frames.data);
	free(file->slots);
}
