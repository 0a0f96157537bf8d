/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks at the section headers of a file before libdw does. The file is the target's: it may be of
 * another byte order (libelf would copy all of it), an object file (libdwfl would write relocations
 * into it), or a few kilobytes that unpack to gigabytes.
 */
#include "survey.h"

#include <stddef.h>
#include <string.h>
#include "xz.h"

/* Together with what a unit takes in memory this keeps the whole tracer small. */
#define SURVEY_MAX_UNPACKED_BYTES (96ul << 20)
/* A symbol table; libdwfl takes up to twice as much while it unpacks it. */
#define SURVEY_MAX_XZ_BYTES (48ul << 20)

/* "ZLIB" and the size, eight bytes, the highest first. */
static uint64_t survey_old_packed_bytes(Elf_Scn *section)
{
	Elf_Data *data = elf_rawdata(section, NULL);
	uint64_t bytes = 0;

	if (!data || !data->d_buf || data->d_size < 12)
		return UINT64_MAX;
	for (int i = 4; i < 12; i++)
		bytes = bytes << 8 | ((const uint8_t *)data->d_buf)[i];
	return bytes;
}

/* xz packs up to 7000 to 1: what comes out is counted before it is unpacked. */
static uint64_t survey_xz_bytes(Elf_Scn *section)
{
	Elf_Data *data = elf_rawdata(section, NULL);
	uint64_t bytes = data && data->d_buf ? xz_unpacked_bytes(data->d_buf, data->d_size) : 0;

	return bytes > SURVEY_MAX_XZ_BYTES ? UINT64_MAX : bytes;
}

static uint64_t survey_unpacked_bytes(Elf_Scn *section, const GElf_Shdr *header, const char *name)
{
	GElf_Chdr packed;

	if (header->sh_flags & SHF_COMPRESSED)
		return gelf_getchdr(section, &packed) ? packed.ch_size : UINT64_MAX;
	if (strncmp(name, ".zdebug", 7) == 0)
		return survey_old_packed_bytes(section);
	if (strcmp(name, ".gnu_debugdata") == 0)
		return survey_xz_bytes(section);
	return 0;
}

static bool survey_is_ours(Elf *elf)
{
	GElf_Ehdr header;

	return gelf_getehdr(elf, &header) && header.e_ident[EI_CLASS] == ELFCLASS64 &&
	       header.e_ident[EI_DATA] ==
		       (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB) &&
	       (header.e_type == ET_EXEC || header.e_type == ET_DYN);
}

bool survey_elf(Elf *elf, struct survey *survey)
{
	Elf_Scn *section = NULL;
	size_t names;

	*survey = (struct survey){0};
	if (!elf || !survey_is_ours(elf))
		return false;
	if (elf_getshdrstrndx(elf, &names) != 0)
		return true;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *name;
		uint64_t bytes;

		if (!gelf_getshdr(section, &header))
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		bytes = survey_unpacked_bytes(section, &header, name ? name : "");
		if (bytes > SURVEY_MAX_UNPACKED_BYTES - survey->unpacked_bytes)
			return false;
		survey->unpacked_bytes += bytes;
		if (name && strcmp(name, ".gnu_debugaltlink") == 0)
			survey->has_alternate = true;
	}
	return true;
}
