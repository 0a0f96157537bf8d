/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel would take the clean pages of a mapped file back when memory is short, but until then they
 * count as ours, and a walk over the debug information of a large program touches all of them. So they
 * are given back early: what the kernel keeps of the file is found again without a disk.
 *
 * Invariant: only mappings of files are given back, and nobody writes into those: a page that was
 * written would lose what was written.
 */
#include "pages.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../base/xalloc.h"

#define PAGES_MAX_BYTES (24ul << 20)
#define PAGES_MAX_FILES 128

struct pages_file {
	Elf *elf; /* NULL: free place */
	void *start;
	size_t bytes;
};

struct pages {
	struct pages_file files[PAGES_MAX_FILES];
	int statm;
	uintptr_t page_bytes;
	uint64_t floor; /* resident bytes of files that are not ours to give back */
};

/* Resident bytes of mapped files. */
static uint64_t pages_resident(const struct pages *p)
{
	char text[128];
	unsigned long long pages;
	ssize_t n = pread(p->statm, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "%*s %*s %llu", &pages) == 1 ? pages * p->page_bytes : 0;
}

struct pages *pages_new(void)
{
	struct pages *p = xcalloc(1, sizeof(*p));

	p->page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
	p->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	p->floor = pages_resident(p);
	return p;
}

void pages_free(struct pages *p)
{
	if (!p)
		return;
	if (p->statm >= 0)
		close(p->statm);
	free(p);
}

/* libelf falls back to reading when it cannot map; memory from malloc() never begins at a page. */
void pages_add(struct pages *p, Elf *elf)
{
	size_t bytes = 0;
	void *start = elf ? elf_rawfile(elf, &bytes) : NULL;

	if (!start || (uintptr_t)start % p->page_bytes != 0)
		return;
	for (size_t i = 0; i < PAGES_MAX_FILES; i++) {
		if (!p->files[i].elf) {
			p->files[i] = (struct pages_file){elf, start, bytes};
			return;
		}
	}
}

void pages_remove(struct pages *p, Elf *elf)
{
	for (size_t i = 0; elf && i < PAGES_MAX_FILES; i++) {
		if (p->files[i].elf == elf)
			p->files[i] = (struct pages_file){0};
	}
}

void pages_relax(struct pages *p)
{
	uint64_t resident = pages_resident(p);

	if (resident < p->floor + PAGES_MAX_BYTES)
		return;
	for (size_t i = 0; i < PAGES_MAX_FILES; i++) {
		if (p->files[i].elf)
			madvise(p->files[i].start, p->files[i].bytes, MADV_DONTNEED);
	}
	resident = pages_resident(p);
	if (resident > p->floor)
		p->floor = resident;
}
