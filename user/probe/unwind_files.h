/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ELF files whose tables are in the arena, each once. The main thread only. */
#ifndef PROBE_UNWIND_FILES_H
#define PROBE_UNWIND_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "../../include/unwind_row.h"
#include "../target/maps.h"
#include "unwind_arena.h"

#define UNWIND_FILE_SEGMENTS 8

struct unwind_file {
	struct unwind_file *next;
	/* what a mapping says, and what tells one state of a file from the next */
	dev_t device;
	ino_t inode;
	off_t bytes;
	struct timespec modified;
	uint64_t base;	       /* ELF address from which the rows count */
	uint32_t table, pages; /* of the arena; pages 0: no information */
	struct {
		uint64_t offset, bytes, address;
	} segments[UNWIND_FILE_SEGMENTS]; /* of code */
	size_t segment_count;
};

struct unwind_files {
	struct unwind_file *first;
	struct unwind_arena *arena; /* borrowed */
	bool full_said;
};

void unwind_files_done(struct unwind_files *files);
/*
 * The file behind a mapping of pid, its table made when `make` is set and it is not known yet. NULL:
 * not made, or it cannot be opened.
 */
const struct unwind_file *unwind_files_get(struct unwind_files *files, pid_t pid,
					   const struct maps_entry *entry, bool make);
/* Where the first page of the file's code is in memory, when `offset` of it is mapped at `start`.
 * False: no code of the file is there. */
bool unwind_file_base(const struct unwind_file *file, uint64_t start, uint64_t offset,
		      uint64_t *base);

#endif /* PROBE_UNWIND_FILES_H */
