/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sites with stacks of few functions, and what a canvas shows, for the tests of the view. */
#ifndef TESTS_VIEW_WORLD_H
#define TESTS_VIEW_WORLD_H

#include <string.h>
#include "../../user/view/canvas.h"
#include "../../user/view/view_data.h"

#define WORLD_SITES  6
#define WORLD_FRAMES 4

/* Innermost first; NULL ends a stack. Modules are the part before the dot. */
struct world {
	const char *stacks[WORLD_SITES][WORLD_FRAMES + 1];
	struct frame_name frames[WORLD_FRAMES];
	char modules[WORLD_FRAMES][16];
	struct stack_names names;
	struct snapshot_site sites[WORLD_SITES];
	struct snapshot_process process;
	struct snapshot snapshot;
	struct screen_sources sources;
	struct view_data data;
};

static inline const struct stack_names *world_names(void *context, const struct snapshot_site *site)
{
	struct world *w = context;
	const char *const *stack = w->stacks[site->stack];
	size_t i;

	w->names = (struct stack_names){.site_id = site->site, .frames = w->frames};
	for (i = 0; stack[i]; i++) {
		const char *dot = strchr(stack[i], '.');

		strncpy(w->modules[i], stack[i], sizeof(w->modules[i]) - 1);
		w->modules[i][dot ? (size_t)(dot - stack[i]) : 0] = '\0';
		w->frames[i] = (struct frame_name){.function = dot ? dot + 1 : stack[i],
						   .module = w->modules[i]};
	}
	w->names.frame_count = i;
	return &w->names;
}

/* Sites 1 .. count with those bytes, one block each. */
static inline void world_fill(struct world *w, const uint64_t *bytes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		w->sites[i] = (struct snapshot_site){.site = (uint32_t)i + 1, .stack = (uint32_t)i};
		w->sites[i].totals.outstanding_bytes = bytes[i];
		w->sites[i].totals.outstanding_count = 1;
	}
	w->process = (struct snapshot_process){.index = 1, .pid = 77, .comm = "world"};
	w->snapshot = (struct snapshot){.sites = w->sites,
					.site_count = count,
					.processes = &w->process,
					.process_count = 1};
	w->sources.context = w;
	w->sources.names = world_names;
	w->data.snapshot = &w->snapshot;
	w->data.sources = &w->sources;
}

#endif /* TESTS_VIEW_WORLD_H */
