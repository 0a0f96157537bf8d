/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the kernel has all memory mapped, so that programs can read the stack of a thread without copying it (bpf/stack_page.bpf.h). */
#ifndef PROBE_DIRECT_MAP_H
#define PROBE_DIRECT_MAP_H

#include <stdint.h>
#include <stdio.h>

struct direct_map {
	uint64_t base;	 /* 0: not known, stacks are copied */
	uint64_t end;	 /* of memory, as physical addresses */
	uint32_t levels; /* of page tables: 4 or 5 */
	uint32_t pad;
};

/*
 * Finds it out by loading a program and running it in this thread: some 15 ms. 0 or -errno: -EACCES where programs cannot read
 * kernel memory this way (before Linux 6.2), -ENOENT when it was not found. Either way stacks are copied, which costs more and finds the
 * same. Says nothing.
 */
int direct_map_find(struct direct_map *map);
/* Pure: where the memory ends that a text like that of /proc/iomem lists; 0: it lists none, or is for eyes without privileges. */
uint64_t direct_map_end(FILE *iomem);

#endif /* PROBE_DIRECT_MAP_H */
