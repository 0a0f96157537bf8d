// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Chunks are BPF arrays that are made when the ones before are full, because a BPF array takes its
 * memory at once. They are mapped side by side into one reserved range, so that a table may cross
 * from one to the next. One map of chunks instead of one for each file: putting a map into a map
 * makes the kernel wait for a grace period, some milliseconds, and most programs need one chunk.
 */
#include "unwind_arena.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../include/unwind_row.h"

#define CHUNK_BYTES    ((size_t)UNWIND_CHUNK_WORDS * sizeof(uint64_t))
#define RESERVED_BYTES (CHUNK_BYTES * UNWIND_CHUNKS)

int unwind_arena_init(struct unwind_arena *a, int chunks_fd)
{
	void *reserved = mmap(NULL, RESERVED_BYTES, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	*a = (struct unwind_arena){.chunks_fd = chunks_fd, .used = 1};
	if (reserved == MAP_FAILED)
		return -errno;
	a->words = reserved;
	return 0;
}

void unwind_arena_done(struct unwind_arena *a)
{
	if (a->words)
		munmap(a->words, RESERVED_BYTES);
	a->words = NULL;
}

static int add_chunk(struct unwind_arena *a)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd, err = 0;
	void *at;

	if (a->chunk_count == UNWIND_CHUNKS)
		return -ENOSPC;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "unwind_words", sizeof(uint32_t), sizeof(uint64_t),
			    UNWIND_CHUNK_WORDS, &options);
	if (fd < 0)
		return -errno;
	at = a->words + (size_t)a->chunk_count * UNWIND_CHUNK_WORDS;
	if (mmap(at, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    MAP_FAILED ||
	    bpf_map_update_elem(a->chunks_fd, &a->chunk_count, &fd, BPF_ANY))
		err = -errno;
	else
		a->chunk_count++;
	close(fd);
	return err;
}

uint32_t unwind_arena_take(struct unwind_arena *a, size_t count, uint32_t align)
{
	size_t at = ((size_t)a->used + align - 1) / align * align;
	int err;

	if (at + count > (size_t)UNWIND_CHUNKS * UNWIND_CHUNK_WORDS) {
		errno = ENOSPC;
		return 0;
	}
	while (at + count > (size_t)a->chunk_count * UNWIND_CHUNK_WORDS) {
		err = add_chunk(a);
		if (err) {
			errno = -err;
			return 0;
		}
	}
	a->used = (uint32_t)(at + count);
	return (uint32_t)at;
}
