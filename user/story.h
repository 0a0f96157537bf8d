/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an output may tell of the whole run beside a snapshot: figures over time, sizes and lifetimes, and how it was traced. The
 * main thread only. */
#ifndef USER_STORY_H
#define USER_STORY_H

#include "export/html.h"
#include "options.h"
#include "tracker.h"

#define STORY_FACTS_MAX 16

struct story {
	const struct options *options;
	struct tracker *tracker;
	struct html_series series;
	struct spread *spreads;
	struct html_fact facts[STORY_FACTS_MAX];
	struct html_extra extra; /* points to the above */
};

/* Pointers are borrowed. */
void story_init(struct story *s, const struct options *options, struct tracker *tracker);
void story_done(struct story *s);
/* Each snapshot that is written, in their order. */
void story_add(struct story *s, const struct snapshot *snapshot);
/* Before an output needs it, at the cut of the snapshot: takes what has to be of its moment. */
void story_take(struct story *s, const struct snapshot *snapshot, struct breath *breath);

#endif /* USER_STORY_H */
