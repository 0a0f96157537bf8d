/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names on demand: where a stack's frames lie is found out the first time that it is asked for,
 * which takes a while for thousands of them. So in each drawing new look-ups stop after a moment, the
 * rest shows "..." and follows in the next one.
 */
#include "view_data.h"

#include <stdlib.h>
#include <string.h>
#include "../base/clock.h"
#include "../base/xalloc.h"
#include "text.h"

/* Beside what a page of 200x60 takes itself, 4 to 5 ms with 10,000 sites. */
#define NAMES_BUDGET_NS (2 * NS_PER_MS)

void view_data_done(struct view_data *d)
{
	paths_done(&d->paths);
	free(d->named);
	d->named = NULL;
	d->named_size = 0;
}

void view_data_begin(struct view_data *d)
{
	d->names_until_ns = clock_monotonic_ns() + NAMES_BUDGET_NS;
}

static void grow_named(struct view_data *d, uint32_t site)
{
	size_t size = d->named_size ? d->named_size : 256;

	while (size <= site)
		size *= 2;
	d->named = xrealloc(d->named, size);
	memset(d->named + d->named_size, 0, size - d->named_size);
	d->named_size = size;
}

const struct stack_names *view_data_names(struct view_data *d, const struct snapshot_site *site)
{
	if (site->site >= d->named_size)
		grow_named(d, site->site);
	if (!d->named[site->site] && clock_monotonic_ns() > d->names_until_ns)
		return NULL;
	d->named[site->site] = 1;
	return d->sources->names(d->sources->context, site);
}

size_t view_data_paths(struct view_data *d)
{
	if (!d->snapshot || !d->snapshot->site_count)
		return 0;
	return paths_update(&d->paths, d->snapshot, d->sources->names, d->sources->context,
			    d->names_until_ns);
}

int view_data_match(struct view_data *d, const struct snapshot_site *site, const char *text)
{
	const struct path *path = paths_get(&d->paths, site->site);
	uint32_t i;

	if (!path)
		return -1;
	for (i = 0; i < path->count; i++) {
		if (paths_matches(&d->paths, path->places[i], text))
			return 1;
	}
	return 0;
}

const struct snapshot_site *view_data_site(const struct view_data *d, uint32_t site)
{
	size_t i;

	for (i = 0; d->snapshot && i < d->snapshot->site_count; i++) {
		if (d->snapshot->sites[i].site == site)
			return &d->snapshot->sites[i];
	}
	return NULL;
}
