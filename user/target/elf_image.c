// SPDX-License-Identifier: GPL-2.0-or-later
/* Header, contents, names, section headers: in this order, the last ones aligned to 8 bytes. */
#include "elf_image.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_NAME ".shstrtab"

struct layout {
	size_t contents[ELF_IMAGE_SECTIONS_MAX],
		names[ELF_IMAGE_SECTIONS_MAX]; /* in the file; in the names */
	size_t names_at, names_name, names_size, headers_at, size;
};

static void lay_out(struct layout *l, const struct elf_image_section *sections, size_t count)
{
	size_t at = sizeof(Elf64_Ehdr), name = 1;

	for (size_t i = 0; i < count; i++) {
		l->contents[i] = at;
		l->names[i] = name;
		at += sections[i].size;
		name += strlen(sections[i].name) + 1;
	}
	l->names_at = at;
	l->names_name = name;
	l->names_size = name + sizeof(NAMES_NAME);
	l->headers_at = (at + l->names_size + 7) / 8 * 8;
	l->size = l->headers_at + (count + 2) * sizeof(Elf64_Shdr);
}

static void write_header(char *image, const struct layout *l, size_t count)
{
	*(Elf64_Ehdr *)(void *)image = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_shoff = l->headers_at,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = (Elf64_Half)(count + 2),
		.e_shstrndx = (Elf64_Half)(count + 1),
	};
}

void *elf_image_new(const struct elf_image_section *sections, size_t count, size_t *size)
{
	struct layout l;
	Elf64_Shdr *h;
	char *image;

	if (count > ELF_IMAGE_SECTIONS_MAX)
		return NULL;
	lay_out(&l, sections, count);
	*size = l.size;
	image = calloc(1, l.size);
	if (!image)
		return NULL;
	write_header(image, &l, count);
	h = (void *)(image + l.headers_at);
	for (size_t i = 0; i < count; i++) {
		const struct elf_image_section *s = &sections[i];

		if (s->size)
			memcpy(image + l.contents[i], s->bytes, s->size);
		memcpy(image + l.names_at + l.names[i], s->name, strlen(s->name));
		h[i + 1] = (Elf64_Shdr){.sh_name = (Elf64_Word)l.names[i],
					.sh_type = SHT_PROGBITS,
					.sh_addr = s->address,
					.sh_offset = l.contents[i],
					.sh_size = s->size,
					.sh_addralign = 1};
	}
	memcpy(image + l.names_at + l.names_name, NAMES_NAME, sizeof(NAMES_NAME));
	h[count + 1] = (Elf64_Shdr){.sh_name = (Elf64_Word)l.names_name,
				    .sh_type = SHT_STRTAB,
				    .sh_offset = l.names_at,
				    .sh_size = l.names_size,
				    .sh_addralign = 1};
	return image;
}
