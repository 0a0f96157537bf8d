/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a process's page about the collector of a Go program. The main thread only. */
#ifndef VIEW_GC_PAGE_H
#define VIEW_GC_PAGE_H

#include "../analyse/snapshot.h"
#include "pager.h"

/* Nothing when nothing is known of it. */
void gc_page_add(struct pager *p, const struct snapshot *s, const struct snapshot_process *process);

#endif /* VIEW_GC_PAGE_H */
