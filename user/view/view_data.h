/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all pages show: the newest snapshot, and names within a time that a key may wait. The main
 * thread only. */
#ifndef VIEW_VIEW_DATA_H
#define VIEW_VIEW_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../analyse/snapshot.h"
#include "paths.h"
#include "sources.h"

struct view_data {
	struct snapshot *snapshot; /* borrowed; NULL before the first one */
	const struct screen_sources *sources;
	bool utf8;
	struct paths paths;
	uint8_t *named; /* by heap index of the site: its names were looked up before, so that is
			   cheap now */
	size_t named_size;
	uint64_t names_until_ns; /* new look-ups end then */
};

void view_data_done(struct view_data *d);
/* A drawing or a search begins: there is time for names again. */
void view_data_begin(struct view_data *d);
/* NULL while the time for new names is used up. */
const struct stack_names *view_data_names(struct view_data *d, const struct snapshot_site *site);
/* Brings paths up to date within the time; how many sites have none yet. */
size_t view_data_paths(struct view_data *d);
/* Is the text in a function or module of the site's stack? -1: not known yet. */
int view_data_match(struct view_data *d, const struct snapshot_site *site, const char *text);
/* The site with this heap index, NULL when the snapshot has none. */
const struct snapshot_site *view_data_site(const struct view_data *d, uint32_t site);

#endif /* VIEW_VIEW_DATA_H */
