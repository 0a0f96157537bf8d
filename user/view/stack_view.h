/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One call site opened: its whole stack first, then all its figures. The main thread only. */
#ifndef VIEW_STACK_VIEW_H
#define VIEW_STACK_VIEW_H

#include <stdint.h>
#include "../analyse/snapshot.h"
#include "pager.h"
#include "report.h"

/* Fills the pager for a site of the snapshot. */
void stack_view_fill(struct pager *p, const struct theme *theme, const struct snapshot *s,
		     const struct snapshot_site *site, const struct stack_names *names, int width);
/* The site with this heap index, NULL when the snapshot has none. */
const struct snapshot_site *stack_view_find(const struct snapshot *s, uint32_t site);

#endif /* VIEW_STACK_VIEW_H */
