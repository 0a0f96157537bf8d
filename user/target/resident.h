/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which part of some blocks of a process is in memory, by its page map. Any thread. */
#ifndef TARGET_RESIDENT_H
#define TARGET_RESIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct resident_block {
	uint64_t address, bytes;
};

struct resident {
	uint64_t resident_bytes, swapped_bytes; /* of those looked at */
	uint64_t looked_bytes;			/* the rest was too much to look at, or is gone */
	uint64_t looked_blocks;
};

/*
 * Looks at blocks in their order, cheapest when they are sorted by address, until they span `most_pages` pages. 0 or
 * -errno (-EPERM: may not be read, -ESRCH: gone), with what was found until then.
 */
int resident_read(pid_t pid, const struct resident_block *blocks, size_t count, size_t most_pages,
		  struct resident *r);
/* The same with an open file in the format of /proc/PID/pagemap; for tests. */
int resident_read_fd(int fd, const struct resident_block *blocks, size_t count, size_t most_pages,
		     struct resident *r);

#endif /* TARGET_RESIDENT_H */
