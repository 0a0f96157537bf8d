/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One group of goroutines opened, and what its row in the list and this page have in common. The main thread only. */
#ifndef VIEW_GOROUTINES_PAGE_H
#define VIEW_GOROUTINES_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include "pager.h"
#include "view_data.h"

/* What stays the same for a row from one snapshot to the next. */
uint64_t goroutines_key(const struct snapshot *s, const struct snapshot_goroutines *row);
/* As far as they are known now; valid until names are asked for again. Never NULL. */
const struct stack_names *goroutines_names(const struct view_data *d,
					   const struct snapshot_goroutines *row);
/* False: the present snapshot has none with this key. */
bool goroutines_page_fill(struct pager *p, const struct view_data *d, uint64_t key);

#endif /* VIEW_GOROUTINES_PAGE_H */
