/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of the tree of callers alone; its rows are a kind (kinds.h). The main thread only. */
#ifndef VIEW_CALLERS_VIEW_H
#define VIEW_CALLERS_VIEW_H

#include "grid.h"

enum callers_step {
	CALLERS_OPEN,  /* the node under the cursor, or go into it when it is open */
	CALLERS_CLOSE, /* or go to its caller when it is closed */
	CALLERS_TOGGLE,
	CALLERS_ALL, /* all open or, when they are, all closed */
	CALLERS_TURN /* from the root down or from the allocator up */
};

/* For the table of callers_kind. */
void callers_step(struct grid *t, enum callers_step step);

#endif /* VIEW_CALLERS_VIEW_H */
