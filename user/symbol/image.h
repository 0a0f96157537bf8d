/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One file that was mapped: kept open, its identity, and how offsets in it become ELF addresses. It
 * does not change once it is made, so any thread may read it.
 */
#ifndef SYMBOL_IMAGE_H
#define SYMBOL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IMAGE_BUILD_ID_MAX 64

struct image_segment {
	uint64_t offset, file_bytes, address, memory_bytes;
	uint64_t align; /* a power of two */
	bool executable;
};

struct image {
	int fd;		  /* -1: could not be opened */
	char *path;	  /* as the process saw it */
	const char *name; /* base name, in path */
	int root;	  /* of the process that had it mapped (O_PATH), borrowed; -1: not known */
	uint64_t bytes;	  /* of the file */
	int64_t changed_s, changed_ns; /* time of its last change */
	uint8_t build_id[IMAGE_BUILD_ID_MAX];
	size_t build_id_size; /* 0: the file has none */
	uint64_t
		identity; /* of the contents, the same in every run: build id, else name and size */
	struct image_segment *segments;
	size_t segment_count; /* 0: no ELF file of this machine */
	uint32_t recorded;    /* its number in the recording that is replayed; 0: none */
	bool no_code;	      /* recorded: a file that was there, and no ELF file */
};

/* Takes fd over (-1: only the name is known). A file that is no ELF file is an image without
 * segments. */
struct image *image_new(int fd, const char *path);
void image_free(struct image *image);
/* Of a recording: what is given here is as it was there. Segments are copied. */
struct image *image_recorded(const struct image *like);
/* The file is still what it was when the image was made: same size, not written since. */
bool image_is_unchanged(const struct image *image);
/* ELF virtual address of an offset in the file; the offset itself when no segment has it. */
uint64_t image_address(const struct image *image, uint64_t offset);
/* The build id in hex digits, in `out`; NULL: the file has none. */
const char *image_build_id(const struct image *image, char out[2 * IMAGE_BUILD_ID_MAX + 1]);
size_t image_memory(const struct image *image);

#endif /* SYMBOL_IMAGE_H */
