/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From an ELF file to the rows that the BPF unwinder follows: .eh_frame, .debug_frame, and the
 * .debug_frame of a separate debug file. Pure: no process, no BPF. One thread at a time.
 */
#ifndef PROBE_UNWIND_BUILD_H
#define PROBE_UNWIND_BUILD_H

#include <stddef.h>
#include <stdint.h>

struct unwind_table {
	uint64_t base;	/* ELF address from which rows count: a page's first */
	uint64_t *rows; /* include/unwind_row.h, sorted, the first at 0 */
	uint32_t row_count;
	uint32_t pages;	     /* at least 1 */
	uint32_t *page_rows; /* pages + 1 */
};

/*
 * Borrows both descriptors; debug_fd -1: there is no debug file. 0, or -errno: ENOEXEC not an ELF
 * file for x86-64, ENODATA without any unwind information, EBADMSG only such as may not be used, E2BIG
 * above a limit, ENOMEM. The table is empty then.
 */
int unwind_build(int fd, int debug_fd, struct unwind_table *table);
void unwind_table_done(struct unwind_table *table);
/* The rule for an ELF address, found as the BPF side finds it. */
uint32_t unwind_table_rule(const struct unwind_table *table, uint64_t address);

#endif /* PROBE_UNWIND_BUILD_H */
