/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a site is suppressed is found once, when all its names are there, and kept. */
#include "suppressed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum known { KNOWN_NOT, KNOWN_SUPPRESSED, KNOWN_OTHER };

void suppressed_done(struct suppressed *s)
{
	free(s->sites);
	s->sites = NULL;
	s->count = 0;
}

static struct suppressed_site *get(struct suppressed *s, uint32_t site)
{
	uint32_t count = site < s->count ? s->count : 2 * site + 64;

	if (count > s->count) {
		s->sites = xrealloc(s->sites, count * sizeof(*s->sites));
		memset(s->sites + s->count, 0, (count - s->count) * sizeof(*s->sites));
		s->count = count;
	}
	return &s->sites[site];
}

/* Modules are known by their base names; a pattern may have a slash before it. */
static bool frame_matches(const struct suppressions *patterns, const struct frame_name *frame)
{
	char path[256];

	if (suppressions_match(patterns, frame->function) ||
	    suppressions_match(patterns, frame->file))
		return true;
	if (!frame->module)
		return false;
	snprintf(path, sizeof(path), "/%s", frame->module);
	return suppressions_match(patterns, frame->module) || suppressions_match(patterns, path);
}

static enum known find(const struct suppressed *s, const struct stack_names *names)
{
	for (size_t i = 0; i < names->frame_count; i++) {
		if (frame_matches(s->patterns, &names->frames[i]))
			return KNOWN_SUPPRESSED;
	}
	return names->waiting || !names->frame_count ? KNOWN_NOT : KNOWN_OTHER;
}

static bool is_suspect(const struct snapshot_site *site)
{
	return site->verdict == VERDICT_LEAK || site->verdict == VERDICT_GROWING;
}

static void set_verdict(struct snapshot *snapshot, struct snapshot_site *site, enum verdict verdict,
			double score)
{
	struct snapshot_process *p = &snapshot->processes[site->process];

	p->leak_site_count -= site->verdict == VERDICT_LEAK;
	p->leak_site_count += verdict == VERDICT_LEAK;
	site->verdict = verdict;
	site->score = score;
}

static void hold_back(struct snapshot *snapshot, struct snapshot_site *site,
		      struct suppressed_site *entry)
{
	entry->verdict = (uint8_t)site->verdict;
	entry->score = (float)site->score;
	set_verdict(snapshot, site, VERDICT_NONE, 0);
}

static void apply_one(struct snapshot *snapshot, struct snapshot_site *site,
		      struct suppressed_site *entry)
{
	bool held = site->verdict == VERDICT_NONE && entry->verdict != VERDICT_NONE;

	if (entry->known == KNOWN_SUPPRESSED)
		set_verdict(snapshot, site, VERDICT_NONE, 0);
	else if (entry->known == KNOWN_NOT && is_suspect(site))
		hold_back(snapshot, site, entry);
	else if (entry->known == KNOWN_OTHER && held)
		set_verdict(snapshot, site, (enum verdict)entry->verdict, (double)entry->score);
}

void suppressed_apply(struct suppressed *s, struct snapshot *snapshot, report_names_fn *names,
		      void *context)
{
	for (size_t i = 0; s->patterns && i < snapshot->site_count; i++) {
		struct snapshot_site *site = &snapshot->sites[i];
		struct suppressed_site *entry = get(s, site->site);

		if (entry->known == KNOWN_NOT)
			entry->known = (uint8_t)find(s, names(context, site));
		apply_one(snapshot, site, entry);
	}
}
