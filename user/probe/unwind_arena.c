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

	*a = (struct unwind_arena){.chunks_fd = chunks_fd, .chunk_limit = UNWIND_CHUNKS};
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
	unwind_room_done(&a->room);
}

static int put_array(struct unwind_arena *a, void *at)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "unwind_words", sizeof(uint32_t),
				sizeof(uint64_t), UNWIND_CHUNK_WORDS, &options);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (mmap(at, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    MAP_FAILED ||
	    bpf_map_update_elem(a->chunks_fd, &a->chunk_count, &fd, BPF_ANY))
		err = -errno;
	close(fd);
	return err;
}

static int add_chunk(struct unwind_arena *a)
{
	uint32_t first = a->chunk_count * UNWIND_CHUNK_WORDS;
	int err;

	if (a->chunk_count == a->chunk_limit)
		return -ENOSPC;
	if (a->chunks_fd < 0)
		err = mprotect(a->words + first, CHUNK_BYTES, PROT_READ | PROT_WRITE) ? -errno : 0;
	else
		err = put_array(a, a->words + first);
	if (err)
		return err;
	a->chunk_count++;
	/* index 0 means that there is nothing */
	unwind_room_give(&a->room, first + !first, UNWIND_CHUNK_WORDS - !first);
	return 0;
}

uint32_t unwind_arena_take(struct unwind_arena *a, size_t count, uint32_t align, bool grow)
{
	uint32_t at = 0;
	int err = 0;

	if (!count || count > (size_t)a->chunk_limit * UNWIND_CHUNK_WORDS)
		err = -ENOSPC;
	while (!err && !(at = unwind_room_take(&a->room, (uint32_t)count, align)))
		err = grow ? add_chunk(a) : -ENOSPC;
	errno = -err;
	return at;
}

void unwind_arena_give(struct unwind_arena *a, uint32_t at, size_t count)
{
	unwind_room_give(&a->room, at, (uint32_t)count);
}
