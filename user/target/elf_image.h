/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A made-up ELF file with some sections of another one. libdw reads, and unpacks, all debug information that a file has: it gets one
 * that has no more than what is wanted.
 */
#ifndef TARGET_ELF_IMAGE_H
#define TARGET_ELF_IMAGE_H

#include <stddef.h>
#include <stdint.h>

struct elf_image_section {
	const char *name;
	const void *bytes; /* borrowed; NULL only when size is 0 */
	size_t size;
	uint64_t address;
};

#define ELF_IMAGE_SECTIONS_MAX 8u

/*
 * A file for x86-64 with these sections in their order from 1 on, their names behind them, and nothing else. `size` is that of the file. NULL:
 * no memory, or more than ELF_IMAGE_SECTIONS_MAX. The caller frees it. Any thread.
 */
void *elf_image_new(const struct elf_image_section *sections, size_t count, size_t *size);

#endif /* TARGET_ELF_IMAGE_H */
