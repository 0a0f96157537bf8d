/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by elf.c (file, segments, symbols) and elf_code.c (bounds of functions, stubs). Not for
 * others. */
#ifndef TARGET_ELF_PRIVATE_H
#define TARGET_ELF_PRIVATE_H

#include <libelf.h>
#include "elf.h"

#define ELF_SEGMENTS_MAX 128

/* [start, end) */
struct elf_range {
	uint64_t start, end;
};

struct elf_ranges {
	struct elf_range *data;
	size_t count, capacity;
};

struct elf_slot {
	uint64_t slot;
	const char *name;
};

struct elf_file {
	int fd;
	Elf *elf;
	struct elf_segment segments[ELF_SEGMENTS_MAX];
	size_t segment_count;
	bool has_interpreter;
	uint64_t dynamic, dynamic_size;
	uint64_t frame_header; /* address of PT_GNU_EH_FRAME, 0: none */
	uint64_t note_offset[8], note_size[8];
	size_t note_count;

	/* Built at the first use. */
	bool have_symbols, have_frames, have_slots;
	struct elf_ranges symbols, frames;
	struct elf_slot *slots;
	size_t slot_count, slot_capacity;
};

/* What elf_code.c owns in the file. */
void elf_code_done(struct elf_file *file);
/* At most `size` bytes from a file offset. */
ssize_t elf_read_offset(const struct elf_file *file, uint64_t offset, void *out, size_t size);

#endif /* TARGET_ELF_PRIVATE_H */
