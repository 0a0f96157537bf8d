/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which part of a site's outstanding blocks is in memory, for who asks. The main thread only. */
#ifndef USER_SITE_RESIDENT_H
#define USER_SITE_RESIDENT_H

#include "tracker.h"
#include "view/report.h"

/*
 * Of these blocks of the site, sorted by address. Bounded: a part is looked at when there are very many, and r says which.
 * False: the process has ended, or may not be read.
 */
bool site_resident(struct tracker *t, const struct snapshot_site *site,
		   const struct report_block *blocks, size_t count, struct resident *r);

#endif /* USER_SITE_RESIDENT_H */
