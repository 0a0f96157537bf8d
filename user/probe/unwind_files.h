/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ELF files whose tables are in the arena or on the way there, each once. The main thread only;
 * what takes long is done by the worker.
 */
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
#include "unwind_cache.h"
#include "unwind_worker.h"

#define UNWIND_FILE_SEGMENTS 8

enum unwind_file_state {
	UNWIND_FILE_EMPTY, /* there is no information, or no room for it */
	UNWIND_FILE_MAKING,
	UNWIND_FILE_READY,
};

struct unwind_file {
	struct unwind_file *next;
	enum unwind_file_state state;
	/* what a mapping says, and what tells one state of a file from the next */
	dev_t device;
	ino_t inode;
	off_t bytes;
	struct timespec modified;
	uint64_t base;		      /* ELF address from which the rows count */
	uint32_t table, words, pages; /* of the arena, when READY */
	struct {
		uint64_t offset, bytes, address;
	} segments[UNWIND_FILE_SEGMENTS]; /* of code */
	size_t segment_count;
	unsigned int
		users; /* lists, published or being made, that lead to the table or wait for it */
	uint64_t used; /* when it was asked for last; counts up */
	bool no_room;  /* EMPTY because of that, when so many had been freed: */
	uint64_t freed;
	char *path; /* as one process calls it, for messages */
};

struct unwind_files {
	struct unwind_file *first;
	struct unwind_arena *arena;   /* borrowed */
	struct unwind_cache *cache;   /* borrowed, may be NULL */
	struct unwind_worker *worker; /* borrowed */
	uint64_t clock, freed;
	bool full_said;
};

/* How much may be done at once, in bytes of call frame information. */
struct unwind_effort {
	uint64_t bytes;
	bool urgent_only; /* other files are left for later */
	bool urgent;	  /* this one matters more than others */
};

void unwind_files_done(struct unwind_files *files);
/*
 * The file behind a mapping of pid. NULL: it cannot be opened, or (*later) it is not known and was
 * left. A file that is not READY may become so after unwind_files_collect().
 */
struct unwind_file *unwind_files_get(struct unwind_files *files, pid_t pid,
				     const struct maps_entry *entry, struct unwind_effort *effort,
				     bool *later);
/* While it is held a table stays, and one that is being made is wanted. */
void unwind_file_hold(struct unwind_file *file);
void unwind_file_release(struct unwind_files *files, struct unwind_file *file);
/* Puts the tables that the worker has finished into the arena. False: there were none. */
bool unwind_files_collect(struct unwind_files *files);
/* Words of the arena; when there are none left, tables that nobody holds go. 0 with errno. */
uint32_t unwind_files_room(struct unwind_files *files, size_t words, uint32_t align);
/* Where the first page of the file's code is in memory, when `offset` of it is mapped at `start`.
 * False: no code of the file is there. */
bool unwind_file_base(const struct unwind_file *file, uint64_t start, uint64_t offset,
		      uint64_t *base);

#endif /* PROBE_UNWIND_FILES_H */
