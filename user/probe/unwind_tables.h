/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which code each traced process has where, and how its frames are left: kept up to date for the BPF
 * unwinder. One table for each ELF file, one list of mappings for each address space. The main
 * thread only.
 */
#ifndef PROBE_UNWIND_TABLES_H
#define PROBE_UNWIND_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "loader.h"

struct unwind_tables;

/* The loader is borrowed and outlives the tables. NULL with errno. */
struct unwind_tables *unwind_tables_open(struct loader *l);
void unwind_tables_close(struct unwind_tables *t);

/*
 * Reads the process's mappings, makes the tables of files that are not known, and publishes. What
 * would take long is not waited for: unwind_tables_fd() becomes readable when it is done. To be
 * called again whenever the mappings may have changed; nothing happens when they have not. `image`
 * is the one that the kernel side gave the process (loader_find_image()): it changes at exec. 0 or
 * -errno.
 */
int unwind_process_set(struct unwind_tables *t, uint32_t number, uint64_t image, pid_t pid);
/* A child of fork has the mappings of its parent, until one of the two changes them. False: the
 * parent's are not shared, and the child's have to be read. */
bool unwind_process_fork(struct unwind_tables *t, uint32_t parent, uint32_t child, pid_t pid);
void unwind_process_drop(struct unwind_tables *t, uint32_t number);

int unwind_tables_fd(const struct unwind_tables *t);
/* Publishes the tables that were made meanwhile. */
void unwind_tables_collect(struct unwind_tables *t);

/* How many files there are in all, and how many tables of them are still being made; *path: of one of those, borrowed. */
struct unwind_progress {
	size_t files, making;
	const char *path;
};
struct unwind_progress unwind_tables_progress(const struct unwind_tables *t);
/* Memory shared with the kernel, bytes. */
size_t unwind_tables_bytes(const struct unwind_tables *t);

#endif /* PROBE_UNWIND_TABLES_H */
