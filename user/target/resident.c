/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID/pagemap has eight bytes for each page of the address space. Each read takes the lock of the process's mappings
 * for reading, for as long as the walk over these pages takes: so pieces are small, and the number of pages is bounded.
 */
#include "resident.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PIECE	512u
#define PRESENT (1ull << 63)
#define SWAPPED (1ull << 62)
/* Above what any process has: sums stay far from an overflow. */
#define MOST_ADDRESS (1ull << 62)

struct window {
	int fd;
	uint64_t page_bytes;
	uint64_t first, count; /* pages that are in v */
	uint64_t v[PIECE];
};

/* The entry of a page. 0 or -errno; -ENODATA: beyond the address space. */
static int find(struct window *w, uint64_t page, uint64_t wanted, uint64_t *entry)
{
	uint64_t pages = wanted < PIECE ? wanted : PIECE;
	ssize_t n;

	if (page < w->first || page - w->first >= w->count) {
		w->count = 0;
		n = pread(w->fd, w->v, pages * sizeof(w->v[0]), (off_t)(page * sizeof(w->v[0])));
		if (n < 0)
			return -errno;
		w->first = page;
		w->count = (uint64_t)n / sizeof(w->v[0]);
		if (!w->count)
			return -ENODATA;
	}
	*entry = w->v[page - w->first];
	return 0;
}

static int look(struct window *w, const struct resident_block *block, struct resident *r)
{
	uint64_t at = block->address, end = block->address + block->bytes;

	while (at < end) {
		uint64_t page = at / w->page_bytes, next = (page + 1) * w->page_bytes;
		uint64_t part = (next < end ? next : end) - at, entry = 0;
		int err = find(w, page, (end - 1) / w->page_bytes - page + 1, &entry);

		if (err)
			return err;
		r->looked_bytes += part;
		if (entry & PRESENT)
			r->resident_bytes += part;
		else if (entry & SWAPPED)
			r->swapped_bytes += part;
		at += part;
	}
	r->looked_blocks++;
	return 0;
}

/* Neighbours in one page count it twice: a bound, not a count. */
static uint64_t pages_of(const struct window *w, const struct resident_block *block)
{
	return block->bytes / w->page_bytes + 2;
}

int resident_read_fd(int fd, const struct resident_block *blocks, size_t count, size_t most_pages,
		     struct resident *r)
{
	struct window w = {.fd = fd, .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE)};
	uint64_t left = most_pages;
	int err = 0;

	*r = (struct resident){0};
	for (size_t i = 0; i < count && !err; i++) {
		/* nonsense of a lost event */
		if (blocks[i].address > MOST_ADDRESS || blocks[i].bytes > MOST_ADDRESS)
			continue;
		if (pages_of(&w, &blocks[i]) > left)
			break;
		left -= pages_of(&w, &blocks[i]);
		err = look(&w, &blocks[i], r);
		if (err == -ENODATA)
			err = 0;
	}
	return err;
}

int resident_read(pid_t pid, const struct resident_block *blocks, size_t count, size_t most_pages,
		  struct resident *r)
{
	char path[64];
	int fd, err;

	*r = (struct resident){0};
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		return err == -ENOENT ? -ESRCH : err;
	}
	err = resident_read_fd(fd, blocks, count, most_pages, r);
	close(fd);
	return err;
}
