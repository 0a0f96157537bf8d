/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was mapped executable in which process, kept when it has gone and when the process has
 * ended. Files are shared between processes and open until modules_free. One thread at a time.
 */
#ifndef SYMBOL_MODULES_H
#define SYMBOL_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "image.h"
#include "perf_map.h"

struct mapping {
	uint64_t start, end;	/* addresses in the process */
	uint64_t offset;	/* of start, in the file */
	uint64_t device, inode; /* as in /proc/PID/maps */
	struct image *image;	/* NULL: anonymous memory */
};

struct modules;

struct modules *modules_new(void);
void modules_free(struct modules *m);
/* Reads /proc/PID/maps and merges it. 0 or -errno (-ESRCH: nothing is mapped any more); then
 * nothing has changed. */
int modules_read(struct modules *m, uint32_t number, pid_t pid);
void modules_fork(struct modules *m, uint32_t parent, uint32_t child);
void modules_forget(struct modules *m, uint32_t number);
/* Borrowed until the next read, fork or forget of this process; images live until modules_free. */
const struct mapping *modules_find(const struct modules *m, uint32_t number, uint64_t address);
/* Where names of generated code are found; NULL: this process has none. Lives until modules_free. */
const struct jit *modules_jit(const struct modules *m, uint32_t number);
/* Changes whenever what modules_find() answers for this process may have changed. */
uint32_t modules_generation(const struct modules *m, uint32_t number);
/* How often this process has been forgotten: addresses of before mean nothing after it. */
uint32_t modules_epoch(const struct modules *m, uint32_t number);
size_t modules_memory(const struct modules *m);

/* Code of a file, with an address in it that means something; else it is generated code. */
static inline bool mapping_has_code(const struct mapping *mapping)
{
	return mapping->image && !mapping->image->no_code &&
	       (mapping->image->segment_count || mapping->image->fd < 0);
}

/* Sorted; borrowed as modules_find()'s. NULL: nothing is known of the process. */
const struct mapping *modules_list(const struct modules *m, uint32_t number, size_t *count);
/* From a recording: instead of modules_read(). Images are borrowed until modules_free(), jit too (NULL: none). */
void modules_set(struct modules *m, uint32_t number, const struct mapping *v, size_t count,
		 const struct jit *jit);

/* ELF address of an address in a mapping that has an image. */
static inline uint64_t mapping_address(const struct mapping *mapping, uint64_t address)
{
	return image_address(mapping->image, address - mapping->start + mapping->offset);
}

/* The parts that need no process, for tests. Path points into line; false: not an executable
 * mapping. */
struct modules_line {
	uint64_t start, end, offset, device, inode;
	const char *path; /* "" when anonymous */
	bool deleted;
};
bool modules_parse_line(char *line, struct modules_line *out);
/* Sorted lists, each without overlaps: `now` as it is, and what of `before` it does not cover. The
 * result from malloc. */
struct mapping *modules_merge(const struct mapping *now, size_t now_count,
			      const struct mapping *before, size_t before_count, size_t *count);

#endif /* SYMBOL_MODULES_H */
