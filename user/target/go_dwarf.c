/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the members of the runtime's structures are, by the program's own debug information: right for versions that no table has, and
 * for runtimes that a distribution has changed. Go's linker puts all types behind one compilation unit called "runtime".
 *
 * libdw unpacks all sections that a file has; so it gets a file with those two in which types are. All of it is the target's: sizes have
 * limits before anything is unpacked, the number of entries that are looked at has one, and offsets are within what is read by them.
 */
#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "elf_image.h"
#include "elf_private.h"
#include "go_private.h"

#define INFO_MAX    (96ull << 20) /* as of what names are read from; large servers have some 60 MB */
#define ENTRIES_MAX (4u << 20)
#define OFFSET_MAX  (1 << 20) /* runtime.mheap is the largest structure: 92 KB */
#define RUNTIME	    "runtime"

enum { INFO, ABBREV, STRINGS, PARTS };

static const char *const part_names[PARTS] = {".debug_info", ".debug_abbrev", ".debug_str"};

/* ---- a file of its own ---- */

/* Without bytes when it is not there, or too large. */
static void load_part(Elf_Scn *section, const GElf_Shdr *h, struct elf_image_section *part)
{
	GElf_Chdr packed;
	Elf_Data *data;

	if (h->sh_type == SHT_NOBITS || h->sh_size > INFO_MAX)
		return;
	if ((h->sh_flags & SHF_COMPRESSED) &&
	    (!gelf_getchdr(section, &packed) || packed.ch_size > INFO_MAX ||
	     elf_compress(section, 0, 0) < 0))
		return;
	data = elf_getdata(section, NULL);
	if (!data || !data->d_buf)
		return;
	part->bytes = data->d_buf;
	part->size = data->d_size;
}

static void load_parts(Elf *elf, struct elf_image_section parts[PARTS])
{
	Elf_Scn *section = NULL;
	size_t names, i;
	GElf_Shdr h;

	for (i = 0; i < PARTS; i++)
		parts[i] = (struct elf_image_section){.name = part_names[i]};
	if (elf_getshdrstrndx(elf, &names))
		return;
	while ((section = elf_nextscn(elf, section))) {
		const char *name =
			gelf_getshdr(section, &h) ? elf_strptr(elf, names, h.sh_name) : NULL;

		for (i = 0; name && i < PARTS; i++) {
			if (!parts[i].bytes && !strcmp(name, part_names[i]))
				load_part(section, &h, &parts[i]);
		}
	}
}

/* NULL: there is none. The caller frees it. */
static char *copy_types(const struct elf_file *file, size_t *size)
{
	Elf *elf = elf_begin(file->fd, ELF_C_READ, NULL);
	struct elf_image_section parts[PARTS];
	char *image = NULL;

	if (!elf)
		return NULL;
	load_parts(elf, parts);
	if (parts[INFO].size && parts[ABBREV].size)
		image = elf_image_new(parts, PARTS, size);
	elf_end(elf);
	return image;
}

/* ---- types ---- */

struct search {
	uint32_t left; /* entries that may still be looked at */
	int64_t outer[GO_MEMBERS], inner[GO_MEMBERS];
};

static int64_t number_of(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute a;
	Dwarf_Word v;

	if (!dwarf_attr(die, name, &a) || dwarf_formudata(&a, &v) || v > OFFSET_MAX)
		return -1;
	return (int64_t)v;
}

/* `name` NULL: the type itself, of which the size is asked for. */
static void take(struct search *s, const char *type, const char *name, int64_t value)
{
	int i;

	for (i = 0; i < GO_MEMBERS; i++) {
		const struct go_member_name *n = go_member_name((enum go_member)i);

		if (!strcmp(n->type, type) &&
		    (n->member && name ? !strcasecmp(n->member, name) : n->member == name))
			s->outer[i] = value;
		if (name && n->inner && !strcmp(n->inner_type, type) && !strcasecmp(n->inner, name))
			s->inner[i] = value;
	}
}

static void look_at_type(struct search *s, Dwarf_Die *type)
{
	const char *name = dwarf_diename(type), *member;
	Dwarf_Die child;
	int more;

	if (!name || strncmp(name, RUNTIME ".", sizeof(RUNTIME)) != 0)
		return;
	take(s, name, NULL, number_of(type, DW_AT_byte_size));
	for (more = dwarf_child(type, &child); !more && s->left;
	     more = dwarf_siblingof(&child, &child)) {
		s->left--;
		member = dwarf_tag(&child) == DW_TAG_member ? dwarf_diename(&child) : NULL;
		if (member)
			take(s, name, member, number_of(&child, DW_AT_data_member_location));
	}
}

static bool is_complete(const struct search *s)
{
	int i;

	for (i = 0; i < GO_MEMBERS; i++) {
		const struct go_member_name *n = go_member_name((enum go_member)i);

		if (s->outer[i] < 0 || (n->inner && s->inner[i] < 0))
			return false;
	}
	return true;
}

static void look_at_unit(struct search *s, Dwarf_Die *unit)
{
	Dwarf_Die child;
	int more;

	for (more = dwarf_child(unit, &child); !more && s->left;
	     more = dwarf_siblingof(&child, &child)) {
		s->left--;
		if (dwarf_tag(&child) == DW_TAG_structure_type)
			look_at_type(s, &child);
	}
}

/* The package has several, most of them of its assembly. */
static void look_at_units(struct search *s, Dwarf *dwarf)
{
	Dwarf_Off offset = 0, next;
	size_t header;
	Dwarf_Die unit;

	while (s->left && !is_complete(s) &&
	       !dwarf_nextcu(dwarf, offset, &next, &header, NULL, NULL, NULL)) {
		const char *name =
			dwarf_offdie(dwarf, offset + header, &unit) ? dwarf_diename(&unit) : NULL;

		s->left--;
		if (name && !strcmp(name, RUNTIME))
			look_at_unit(s, &unit);
		if (next <= offset)
			break;
		offset = next;
	}
}

static void fill(const struct search *s, struct go_layout *layout)
{
	int i;

	for (i = 0; i < GO_MEMBERS; i++) {
		const struct go_member_name *n = go_member_name((enum go_member)i);
		int64_t at = s->outer[i];

		if (n->inner)
			at = at < 0 || s->inner[i] < 0 ? -1 : at + s->inner[i];
		layout->at[i] = (int32_t)at;
	}
}

static bool read_types(char *image, size_t size, struct go_layout *layout)
{
	Elf *elf = elf_memory(image, size);
	Dwarf *dwarf = elf ? dwarf_begin_elf(elf, DWARF_C_READ, NULL) : NULL;
	struct search s = {.left = ENTRIES_MAX};
	int i;

	for (i = 0; i < GO_MEMBERS; i++)
		s.outer[i] = s.inner[i] = -1;
	if (dwarf)
		look_at_units(&s, dwarf);
	fill(&s, layout);
	dwarf_end(dwarf);
	elf_end(elf);
	return dwarf != NULL;
}

bool go_dwarf_layout(const struct elf_file *file, struct go_layout *layout)
{
	size_t size = 0, i;
	char *image = copy_types(file, &size);
	bool found = image && read_types(image, size, layout), any = false;

	free(image);
	for (i = 0; found && i < GO_MEMBERS; i++)
		any |= layout->at[i] >= 0;
	return any;
}
