/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From call frame information to the rows that the BPF unwinder follows. Any thread. */
#ifndef PROBE_UNWIND_BUILD_H
#define PROBE_UNWIND_BUILD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "unwind_input.h"

struct unwind_table {
	uint64_t base;	/* ELF address from which rows count: a page's first */
	uint64_t *rows; /* include/unwind_row.h, sorted, the first at 0 */
	uint32_t row_count;
	uint32_t pages;	     /* at least 1 */
	uint32_t *page_rows; /* pages + 1 */
	void *block;	     /* what holds both, NULL: each is by itself */
};

/*
 * Borrows the input. Ends soon when *stop becomes true (NULL: it never does). 0, or -errno: ENOEXEC
 * not an ELF file for x86-64, ENODATA without any unwind information, EBADMSG only such as may not
 * be used, E2BIG above a limit, ENOMEM, ECANCELED. The table is empty then.
 */
int unwind_build_from(struct unwind_input *in, const atomic_bool *stop, struct unwind_table *table);
/* The same of opened files, which are borrowed. */
int unwind_build(int fd, int debug_fd, struct unwind_table *table);
void unwind_table_done(struct unwind_table *table);
/* The rule for an ELF address, found as the BPF side finds it. */
uint32_t unwind_table_rule(const struct unwind_table *table, uint64_t address);

/* Is it as unwind_build_from() makes them? For a table from elsewhere, with its arrays as large as it
 * says. */
bool unwind_table_is_sane(const struct unwind_table *table);

#endif /* PROBE_UNWIND_BUILD_H */
