/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both sides are rows of site CSVs, sorted by site id, so they are merged. A difference is one of what a user sees: stacks
 * are what the rows say of them.
 */
#include "difference.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "../base/units.h"
#include "../base/xalloc.h"

static const struct csv_site nothing = {
	.api = "", .function = "", .source = "", .module = "", .stack = ""};

const char *difference_kind_name(enum difference_kind kind)
{
	static const char *const names[DIFFERENCE_KINDS] = {
		[DIFFERENCE_APPEARED] = "appeared", [DIFFERENCE_GREW] = "grew",
		[DIFFERENCE_SHRANK] = "shrank",	    [DIFFERENCE_DISAPPEARED] = "disappeared",
		[DIFFERENCE_NONE] = "unchanged",
	};

	return names[kind];
}

static enum difference_kind kind_of(const struct difference_site *s)
{
	bool before = s->a->outstanding_bytes || s->a->outstanding_count;
	bool after = s->b->outstanding_bytes || s->b->outstanding_count;

	if (before != after)
		return after ? DIFFERENCE_APPEARED : DIFFERENCE_DISAPPEARED;
	if (!s->bytes)
		return s->count > 0   ? DIFFERENCE_GREW
		       : s->count < 0 ? DIFFERENCE_SHRANK
				      : DIFFERENCE_NONE;
	return s->bytes > 0 ? DIFFERENCE_GREW : DIFFERENCE_SHRANK;
}

static void add_site(struct difference *d, const struct csv_site *a, const struct csv_site *b)
{
	struct difference_site *s = &d->sites[d->site_count++];

	*s = (struct difference_site){
		.a = a ? a : &nothing, .b = b ? b : &nothing, .site = b ? b : a};
	s->bytes = (int64_t)(s->b->outstanding_bytes - s->a->outstanding_bytes);
	s->count = (int64_t)(s->b->outstanding_count - s->a->outstanding_count);
	s->kind = kind_of(s);
	d->counts[s->kind]++;
}

static uint64_t size_of(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

static int compare_sites(const void *left, const void *right)
{
	const struct difference_site *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (size_of(a->bytes) != size_of(b->bytes))
		return size_of(a->bytes) > size_of(b->bytes) ? -1 : 1;
	if (size_of(a->count) != size_of(b->count))
		return size_of(a->count) > size_of(b->count) ? -1 : 1;
	return a->site->site < b->site->site ? -1 : a->site->site > b->site->site;
}

static void sum_up(struct difference_side *side)
{
	side->bytes = side->count = 0;
	for (size_t i = 0; i < side->sites.count; i++) {
		side->bytes += side->sites.v[i].outstanding_bytes;
		side->count += side->sites.v[i].outstanding_count;
	}
}

void difference_make(struct difference *d)
{
	const struct csv_site *a = d->a.sites.v, *b = d->b.sites.v;
	const struct csv_site *a_end = a + d->a.sites.count, *b_end = b + d->b.sites.count;

	d->sites = xcalloc(d->a.sites.count + d->b.sites.count + 1, sizeof(*d->sites));
	while (a < a_end || b < b_end) {
		if (b == b_end || (a < a_end && a->site < b->site)) {
			add_site(d, a++, NULL);
		} else if (a == a_end || b->site < a->site) {
			add_site(d, NULL, b++);
		} else {
			add_site(d, a++, b++);
		}
	}
	sum_up(&d->a);
	sum_up(&d->b);
	d->bytes = (int64_t)(d->b.bytes - d->a.bytes);
	d->count = (int64_t)(d->b.count - d->a.count);
	qsort(d->sites, d->site_count, sizeof(*d->sites), compare_sites);
}

void difference_done(struct difference *d)
{
	csv_sites_free(&d->a.sites);
	csv_sites_free(&d->b.sites);
	free(d->sites);
	d->sites = NULL;
}

/* ---- stacks ---- */

/* "file:line", which is at `text`; a file without a line stays as it is. */
static void set_source(struct frame_name *frame, char *text)
{
	char *colon = strrchr(text, ':');
	uint64_t line;

	if (!*text)
		return;
	frame->file = text;
	if (!colon || !units_parse_u64(colon + 1, &line) || line > INT32_MAX)
		return;
	*colon = '\0';
	frame->line = (int)line;
}

/* The site's function: the innermost frame of that name. What a stack has for `;` in names is `:`. */
static size_t find_function(const struct stack_names *names, char *function)
{
	char *p;
	size_t i;

	for (p = function; (p = strchr(p, ';')); p++)
		*p = ':';
	for (i = 0; i < names->frame_count; i++) {
		if (strcmp(names->frames[i].function, function) == 0)
			return i;
	}
	return names->frame_count;
}

static void make_room(struct difference_names *n, size_t frames, size_t bytes)
{
	if (frames > n->capacity) {
		n->capacity = frames;
		n->names.frames = xrealloc(n->names.frames, frames * sizeof(*n->names.frames));
	}
	n->text = xrealloc(n->text, bytes);
}

/* Innermost first; in the row the root is. Cuts the text at its `;`. */
static void split(struct difference_names *n, char *stack, size_t frames)
{
	char *at = stack;

	n->names.frame_count = frames;
	for (size_t i = frames; i-- > 0;) {
		char *end = strchrnul(at, ';');

		n->names.frames[i] = (struct frame_name){.function = at};
		at = *end ? end + 1 : end;
		*end = '\0';
	}
}

static size_t count_frames(const char *stack)
{
	size_t frames = *stack != '\0';

	for (; (stack = strchr(stack, ';')); stack++)
		frames++;
	return frames;
}

static char *copy(char **to, const char *text)
{
	char *copied = *to;

	*to = stpcpy(copied, text) + 1;
	return copied;
}

const struct stack_names *difference_names(struct difference_names *n, const struct csv_site *site)
{
	size_t frames = count_frames(site->stack), at;
	char *to, *stack, *function, *source, *module;

	make_room(n, frames,
		  strlen(site->stack) + strlen(site->function) + strlen(site->source) +
			  strlen(site->module) + 4);
	to = n->text;
	stack = copy(&to, site->stack);
	function = copy(&to, site->function);
	source = copy(&to, site->source);
	module = copy(&to, site->module);
	split(n, stack, frames);
	n->names.site_id = site->site;
	n->names.function_frame = at = find_function(&n->names, function);
	if (at < frames) {
		set_source(&n->names.frames[at], source);
		n->names.frames[at].module = *module ? module : NULL;
	}
	return &n->names;
}

void difference_names_done(struct difference_names *n)
{
	free(n->names.frames);
	free(n->text);
	*n = (struct difference_names){.text = NULL};
}
