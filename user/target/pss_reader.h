/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSS of processes, read again and again by a thread of its own: the read walks the page tables under a lock of the process, and may have
 * to wait for that lock. Who asks never waits, and gets what was read last, some seconds ago at the most. All functions from one thread.
 */
#ifndef TARGET_PSS_READER_H
#define TARGET_PSS_READER_H

#include <stdint.h>
#include <sys/types.h>

/* A walk takes 6 to 8 ms a GB of small pages, in which threads of the process that map memory wait: not for longer than 5 ms. */
#define PSS_RSS_MAX (512ull << 20)

struct pss_reader;
struct pss_process;

/* Processes with more than rss_max resident bytes are not read. NULL with errno. */
struct pss_reader *pss_reader_start(uint64_t rss_max);
/* Does not wait for a read that hangs. NULL is fine. */
void pss_reader_stop(struct pss_reader *r);

/* From now on this process is read, soon for the first time. Owned by the reader; NULL when there is no reader. */
struct pss_process *pss_reader_add(struct pss_reader *r, pid_t pid);
/* It is read no more, and is freed. NULL, of either, is fine. */
void pss_reader_drop(struct pss_reader *r, struct pss_process *p);

struct pss_value {
	uint64_t bytes; /* MEMORY_UNKNOWN: not read yet, too big, or gone */
	uint64_t looks; /* how often it was looked at so far */
};
/* Of NULL, of either: unknown. */
struct pss_value pss_reader_get(struct pss_reader *r, const struct pss_process *p);

#endif /* TARGET_PSS_READER_H */
