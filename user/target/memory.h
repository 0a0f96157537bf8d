/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory a process has, as the kernel counts it. Any thread. */
#ifndef TARGET_MEMORY_H
#define TARGET_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

#define MEMORY_UNKNOWN UINT64_MAX

/* In bytes; MEMORY_UNKNOWN where it is not known. */
struct memory_use {
	uint64_t size; /* of all mappings */
	uint64_t rss;  /* resident: the sum of the next three */
	uint64_t anonymous, file, shared;
	uint64_t swap; /* swapped out, anonymous */
	uint64_t pss;  /* resident, pages that n processes share counted as 1/n */
};

/* From counters that the kernel keeps: no page table is read, no lock of the process is taken. PSS stays unknown. 0 or -errno. */
int memory_read(pid_t pid, struct memory_use *use);
/*
 * PSS alone, which the kernel finds by a walk of all page tables of the process under the lock of its mappings: time in
 * proportion to its memory. 0 or -errno.
 */
int memory_read_pss(pid_t pid, uint64_t *pss);

/* The texts of /proc/PID/status and /proc/PID/smaps_rollup; for tests. */
void memory_parse_status(const char *text, struct memory_use *use);
uint64_t memory_parse_pss(const char *text);

#endif /* TARGET_MEMORY_H */
