/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "texts.h"

#include <gelf.h>
#include <string.h>

void texts_find(struct texts *t, Elf *elf)
{
	Elf_Scn *section = NULL;
	size_t names;

	t->count = 0;
	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return;
	while (t->count < TEXTS_MAX && (section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *name;

		if (!gelf_getshdr(section, &header))
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		if (name && (strstr(name, "debug_info") || strstr(name, "debug_str") ||
			     strstr(name, "debug_line") || strstr(name, "debug_types")))
			t->v[t->count++] = elf_getdata(section, NULL);
	}
}

const char *texts_check(const struct texts *t, const char *text)
{
	for (size_t i = 0; text && i < t->count; i++) {
		const char *start = t->v[i] ? t->v[i]->d_buf : NULL;
		size_t bytes = start ? t->v[i]->d_size : 0;

		if (start && text >= start && text < start + bytes)
			return memchr(text, '\0', bytes - (size_t)(text - start)) ? text : NULL;
	}
	return text;
}
