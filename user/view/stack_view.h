/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One call site opened: its whole stack first, then why it is judged as it is, its figures, its
 * history, its oldest blocks. The main thread only. */
#ifndef VIEW_STACK_VIEW_H
#define VIEW_STACK_VIEW_H

#include "pager.h"
#include "view_data.h"

/* Fills the pager for a site of the snapshot; `tall`: there is room for larger curves. */
void stack_view_fill(struct pager *p, struct view_data *data, const struct snapshot_site *site,
		     bool tall);

#endif /* VIEW_STACK_VIEW_H */
