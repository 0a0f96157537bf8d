/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The named frames of each site, kept from one snapshot to the next: looking at all stacks of ten
 * thousand sites each time would take longer than a key may wait. Frames with the same words are
 * one place. Zero-initialised is empty. The main thread only.
 */
#ifndef VIEW_PATHS_H
#define VIEW_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../analyse/snapshot.h"
#include "../symbol/names.h"
#include "report.h"

struct place {
	char *text;	    /* "function" or "module+0xOFF", cleaned */
	char *module;	    /* cleaned; "" when not known */
	uint32_t module_id; /* the same for the same module; 0: not known */
	uint32_t next;	    /* with the same hash bucket; 0: the last */
	/* of the last paths_matches() */
	uint32_t match_turn;
	bool matched;
};

/* From the site's function outwards. */
struct path {
	uint32_t *places;
	uint32_t count;
	uint32_t version; /* counts up when it becomes another one; 0: not looked at yet */
	bool settled;	  /* all of its frames have names: it stays as it is */
};

struct paths {
	struct place *places; /* [0] is never used */
	uint32_t place_count, place_capacity;
	uint32_t *buckets;
	uint32_t bucket_count;
	uint32_t module_count;
	struct path *paths; /* by heap index of the site */
	uint32_t path_capacity;
	size_t at;     /* the site of the snapshot that is looked at again next */
	char text[64]; /* of matches */
	uint32_t match_turn;
};

void paths_done(struct paths *p);
/*
 * Looks at sites of the snapshot that were not looked at yet, then again at some of those without all
 * names, until until_ns (monotonic clock). Returns how many have no path yet.
 */
size_t paths_update(struct paths *p, const struct snapshot *s, report_names_fn *names,
		    void *context, uint64_t until_ns);
/* NULL: not looked at yet. */
const struct path *paths_get(const struct paths *p, uint32_t site);
/* Is the text in the place's function or module? Cheap when it is the same text as before. */
bool paths_matches(struct paths *p, uint32_t place, const char *text);

#endif /* VIEW_PATHS_H */
