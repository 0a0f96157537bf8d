/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths of sites. Input is what names know about a stack, which comes from the target's files and
 * is cleaned here. A name that is not known yet makes a place of its own, and the site's path is
 * looked at again until all of its names are there. Invariant: places are never removed, so their
 * numbers stay; bucket chains hold each place once.
 */
#include "paths.h"

#include <stdlib.h>
#include <string.h>
#include "../base/array.h"
#include "../base/buffer.h"
#include "../base/clock.h"
#include "../base/mix.h"
#include "../base/xalloc.h"
#include "frames.h"
#include "text.h"

#define BUCKETS_FIRST 1024u
#define LOOKS_A_CLOCK 16 /* sites between two looks at the clock */

void paths_done(struct paths *p)
{
	uint32_t i;

	for (i = 1; i < p->place_count; i++) {
		free(p->places[i].text);
		free(p->places[i].module);
	}
	for (i = 0; i < p->path_capacity; i++)
		free(p->paths[i].places);
	free(p->places);
	free(p->buckets);
	free(p->paths);
	memset(p, 0, sizeof(*p));
}

static uint32_t hash_of(const char *text, const char *module)
{
	return (uint32_t)mix_text(mix_text(0, text), module);
}

static void rehash(struct paths *p)
{
	uint32_t i, count = p->bucket_count ? p->bucket_count * 4 : BUCKETS_FIRST;

	free(p->buckets);
	p->buckets = xcalloc(count, sizeof(*p->buckets));
	p->bucket_count = count;
	for (i = 1; i < p->place_count; i++) {
		struct place *place = &p->places[i];
		uint32_t *bucket = &p->buckets[hash_of(place->text, place->module) % count];

		place->next = *bucket;
		*bucket = i;
	}
}

static uint32_t module_id(struct paths *p, const char *module)
{
	uint32_t i;

	if (!*module)
		return 0;
	for (i = p->place_count - 1; i > 0; i--) {
		if (strcmp(p->places[i].module, module) == 0)
			return p->places[i].module_id;
	}
	return ++p->module_count;
}

static uint32_t intern(struct paths *p, const char *text, const char *module)
{
	uint32_t i, hash = hash_of(text, module);
	struct place place;

	if (p->place_count >= p->bucket_count)
		rehash(p);
	for (i = p->buckets[hash % p->bucket_count]; i; i = p->places[i].next) {
		if (strcmp(p->places[i].text, text) == 0 &&
		    strcmp(p->places[i].module, module) == 0)
			return i;
	}
	if (p->place_count + 1 >= p->place_capacity) {
		p->place_capacity = p->place_capacity ? p->place_capacity * 2 : 256;
		p->places = xrealloc(p->places, p->place_capacity * sizeof(*p->places));
	}
	if (!p->place_count)
		p->places[p->place_count++] = (struct place){0};
	place = (struct place){.text = xstrdup(text), .module = xstrdup(module)};
	place.module_id = module_id(p, module);
	place.next = p->buckets[hash % p->bucket_count];
	p->buckets[hash % p->bucket_count] = p->place_count;
	p->places[p->place_count] = place;
	return p->place_count++;
}

static uint32_t place_of(struct paths *p, const struct frame_name *frame)
{
	struct buffer text = {0}, module = {0};
	uint32_t place;

	frames_add_short(&text, frame);
	buffer_add_clean(&module, frame->module ? frame->module : "");
	place = intern(p, text.data, module.data);
	buffer_done(&text);
	buffer_done(&module);
	return place;
}

/* True when it is another path than before. */
static bool read_path(struct paths *p, struct path *path, const struct stack_names *names)
{
	size_t first = names->function_frame < names->frame_count ? names->function_frame : 0;
	uint32_t i, count = (uint32_t)(names->frame_count - first);
	bool changed = count != path->count;

	path->settled = count > 0;
	if (changed)
		path->places = xrealloc(path->places, (count + 1) * sizeof(*path->places));
	path->count = count;
	for (i = 0; i < count; i++) {
		const struct frame_name *frame = &names->frames[first + i];
		uint32_t place = place_of(p, frame);

		path->settled &= frame->function != NULL;
		changed |= path->places[i] != place;
		path->places[i] = place;
	}
	return changed;
}

static struct path *reserve_path(struct paths *p, uint32_t site)
{
	struct path *paths = array_reserve(p->paths, &p->path_capacity, site + 1, sizeof(*paths));

	if (!paths)
		return NULL;
	p->paths = paths;
	return &p->paths[site];
}

static void look(struct paths *p, const struct snapshot_site *site, report_names_fn *names,
		 void *context)
{
	struct path *path = reserve_path(p, site->site);

	if (path && (read_path(p, path, names(context, site)) || !path->version))
		path->version++;
}

static bool is_new(const struct paths *p, const struct snapshot_site *site)
{
	return site->site >= p->path_capacity || !p->paths[site->site].version;
}

/* One round at most, from where the last one ended. */
static void look_again(struct paths *p, const struct snapshot *s, report_names_fn *names,
		       void *context, uint64_t until_ns)
{
	size_t i, looks = 0;

	for (i = 0; i < s->site_count; i++) {
		const struct snapshot_site *site = &s->sites[p->at++ % s->site_count];

		if (is_new(p, site) || p->paths[site->site].settled)
			continue;
		look(p, site, names, context);
		if (++looks % LOOKS_A_CLOCK == 0 && clock_monotonic_ns() > until_ns)
			return;
	}
}

size_t paths_update(struct paths *p, const struct snapshot *s, report_names_fn *names,
		    void *context, uint64_t until_ns)
{
	size_t i, looks = 0, missing = 0;
	bool late = false;

	for (i = 0; i < s->site_count; i++) {
		if (!is_new(p, &s->sites[i]))
			continue;
		if (late) {
			missing++;
			continue;
		}
		look(p, &s->sites[i], names, context);
		late = ++looks % LOOKS_A_CLOCK == 0 && clock_monotonic_ns() > until_ns;
	}
	if (!late)
		look_again(p, s, names, context, until_ns);
	return missing;
}

const struct path *paths_get(const struct paths *p, uint32_t site)
{
	if (site >= p->path_capacity || !p->paths[site].version)
		return NULL;
	return &p->paths[site];
}

bool paths_matches(struct paths *p, uint32_t place, const char *text)
{
	struct place *at = &p->places[place];

	if (!p->match_turn || strncmp(p->text, text, sizeof(p->text) - 1) != 0) {
		p->match_turn++;
		strncpy(p->text, text, sizeof(p->text) - 1);
	}
	if (at->match_turn != p->match_turn) {
		at->match_turn = p->match_turn;
		at->matched = text_contains(at->text, text) || text_contains(at->module, text);
	}
	return at->matched;
}
