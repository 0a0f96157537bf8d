/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads r_debug and the link_map list, the interface that dynamic linkers keep for debuggers (glibc
 * and musl alike). The list is in the order in which symbols are looked up: executable, preloaded,
 * needed breadth-first, then dlopen. The memory belongs to a running, possibly hostile process: the
 * list may change, end nowhere or be a ring. Invariant: at most LINK_MAP_MAX nodes are read and
 * nothing in them is followed but `next`.
 */
#include "link_map.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../base/xalloc.h"

#define LINK_MAP_MAX	 4096
#define DYNAMIC_MAX_SIZE 16384u

/* The part of struct r_debug that debuggers are promised. */
struct debug_head {
	int32_t version, pad;
	uint64_t map;
	uint64_t brk;
};

/* The part of struct link_map that debuggers are promised. */
struct node {
	uint64_t bias, name, dynamic, next, previous;
};

bool link_map_read_memory(int memory, uint64_t address, void *out, size_t size)
{
	if (memory < 0 || address == 0 || address > INT64_MAX - size)
		return false;
	return pread(memory, out, size, (off_t)address) == (ssize_t)size;
}

uint64_t link_map_find(int memory, uint64_t dynamic, uint64_t size)
{
	if (size > DYNAMIC_MAX_SIZE)
		size = DYNAMIC_MAX_SIZE;
	for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= size; at += sizeof(Elf64_Dyn)) {
		Elf64_Dyn entry;

		if (!link_map_read_memory(memory, dynamic + at, &entry, sizeof(entry)) ||
		    entry.d_tag == DT_NULL)
			return 0;
		if (entry.d_tag == DT_DEBUG)
			return entry.d_un.d_ptr;
	}
	return 0;
}

bool link_map_read(int memory, uint64_t r_debug, struct link_map_list *list)
{
	struct debug_head head;
	struct node node;
	uint64_t at;

	memset(list, 0, sizeof(*list));
	if (!link_map_read_memory(memory, r_debug, &head, sizeof(head)) || head.version < 1)
		return false;
	list->notice = head.brk;
	list->dynamics = xcalloc(LINK_MAP_MAX, sizeof(*list->dynamics));
	for (at = head.map; at != 0 && list->count < LINK_MAP_MAX; at = node.next) {
		if (!link_map_read_memory(memory, at, &node, sizeof(node)))
			break;
		list->dynamics[list->count++] = node.dynamic;
		if (node.next == head.map)
			break;
	}
	return list->count > 0;
}

void link_map_done(struct link_map_list *list)
{
	free(list->dynamics);
	memset(list, 0, sizeof(*list));
}
