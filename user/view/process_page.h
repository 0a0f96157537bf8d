/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One process opened: its memory as the kernel counts it beside its heap, and what is missing. The
 * main thread only. */
#ifndef VIEW_PROCESS_PAGE_H
#define VIEW_PROCESS_PAGE_H

#include "../analyse/snapshot.h"
#include "pager.h"

void process_page_fill(struct pager *p, const struct snapshot *s,
		       const struct snapshot_process *process);

#endif /* VIEW_PROCESS_PAGE_H */
