/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GCC's unwinder, as it was built for glibc, finds call frame information by a function that musl does not have. */
#include <link.h>
#include <stdint.h>

struct found_object {
	unsigned long long flags;
	void *start, *end;
	struct link_map *map;
	void *eh_frame_header;
	unsigned long long reserved[7];
};

struct search {
	uintptr_t address;
	struct found_object *found;
};

int _dl_find_object(void *address, struct found_object *found);

static int look(struct dl_phdr_info *info, size_t size, void *data)
{
	struct search *s = data;
	int i, inside = 0;
	uintptr_t header = 0;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_GNU_EH_FRAME)
			header = start;
		if (p->p_type != PT_LOAD || s->address < start || s->address - start >= p->p_memsz)
			continue;
		inside = 1;
		s->found->start = (void *)start;
		s->found->end = (void *)(start + p->p_memsz);
	}
	s->found->eh_frame_header = (void *)header;
	return inside && header;
}

int _dl_find_object(void *address, struct found_object *found)
{
	struct search s = {(uintptr_t)address, found};

	return dl_iterate_phdr(look, &s) ? 0 : -1;
}
