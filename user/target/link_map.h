/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dynamic linker's list of modules, read from the memory of a process. Any thread. */
#ifndef TARGET_LINK_MAP_H
#define TARGET_LINK_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct link_map_list {
	uint64_t notice; /* r_brk: the function that is called when the list changes; 0: unknown */
	uint64_t
		*dynamics; /* address of each module's dynamic section, in order of lookup; owned */
	size_t count;
};

/* Exactly `size` bytes of the process's memory; `memory` is /proc/PID/mem. */
bool link_map_read_memory(int memory, uint64_t address, void *out, size_t size);
/* r_debug by the DT_DEBUG entry of the dynamic section of `size` bytes at `dynamic` (in memory); 0
 * when it has none. */
uint64_t link_map_find(int memory, uint64_t dynamic, uint64_t size);
/* False when the list is empty or not to be read: the linker has not run. */
bool link_map_read(int memory, uint64_t r_debug, struct link_map_list *list);
void link_map_done(struct link_map_list *list);

#endif /* TARGET_LINK_MAP_H */
