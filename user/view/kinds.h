/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pages of rows that there are; what they have in common is grid.h. */
#ifndef VIEW_KINDS_H
#define VIEW_KINDS_H

#include "grid.h"

extern const struct grid_kind sites_kind, callers_kind, threads_kind, processes_kind, modules_kind,
	pools_kind, goroutines_kind, alerts_kind;

#endif /* VIEW_KINDS_H */
