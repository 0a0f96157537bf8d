/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies what debug information and perf maps know about an address, demangled, out of files that may
 * shrink at any moment: everything between guard_begin() and guard_end() is thrown away when they did.
 */
#include "lookup.h"

#include <stdlib.h>
#include <string.h>
#include "../base/buffer.h"
#include "../base/guard.h"
#include "../base/xalloc.h"
#include "debug.h"
#include "demangle.h"
#include "image.h"
#include "perf_map.h"
#include "skip.h"

/* A longer path is cut at its beginning. */
#define LOOKUP_MAX_FILE 1024
#define LOOKUP_NO_TEXT	SIZE_MAX

/* Frames whose strings are still places in the text, which moves while it grows. */
struct draft {
	struct frame_name frames[DEBUG_MAX_FRAMES];
	size_t function[DEBUG_MAX_FRAMES], symbol[DEBUG_MAX_FRAMES], file[DEBUG_MAX_FRAMES];
	size_t type; /* of all */
	size_t count;
	struct buffer text;
};

static size_t draft_add_text(struct draft *d, const char *text, size_t length)
{
	size_t at = d->text.length;

	buffer_add(&d->text, text, length);
	buffer_add_char(&d->text, '\0');
	return at;
}

static size_t draft_add_function(struct draft *d, const char *symbol)
{
	char name[DEMANGLE_MAX];

	if (!symbol || !symbol[0])
		return LOOKUP_NO_TEXT;
	return draft_add_text(d, name, demangle(symbol, name, sizeof(name)));
}

/* The name as it is in the file, without its version, when people write it in another way. */
static size_t draft_add_symbol(struct draft *d, const char *symbol, size_t function)
{
	size_t length;

	if (function == LOOKUP_NO_TEXT)
		return LOOKUP_NO_TEXT;
	length = strcspn(symbol, "@");
	if (length == 0 || length >= DEMANGLE_MAX ||
	    (strncmp(d->text.data + function, symbol, length) == 0 &&
	     d->text.data[function + length] == '\0'))
		return LOOKUP_NO_TEXT;
	return draft_add_text(d, symbol, length);
}

static size_t draft_add_file(struct draft *d, const char *file)
{
	size_t length = file ? strlen(file) : 0;

	if (!file)
		return LOOKUP_NO_TEXT;
	if (length > LOOKUP_MAX_FILE) {
		file += length - LOOKUP_MAX_FILE;
		length = LOOKUP_MAX_FILE;
	}
	return draft_add_text(d, file, length);
}

static void draft_add_frame(struct draft *d, const struct location *location,
			    const struct debug_frame *from)
{
	struct frame_name *to = &d->frames[d->count];
	size_t function = draft_add_function(d, from->function);

	*to = (struct frame_name){.offset = location->address, .inlined = from->inlined};
	if (function != LOOKUP_NO_TEXT)
		to->offset = location->address - from->start;
	d->function[d->count] = function;
	d->symbol[d->count] = draft_add_symbol(d, from->function, function);
	d->file[d->count] = draft_add_file(d, from->file);
	to->line = from->file ? from->line : 0;
	d->count++;
}

static struct location_names *draft_finish(struct draft *d, const struct lookup *l,
					   const struct location *location)
{
	size_t head = sizeof(struct location_names) + d->count * sizeof(d->frames[0]);
	struct location_names *names = xcalloc(1, head + d->text.length);
	char *text = (char *)names + head;

	names->bytes = head + d->text.length;
	names->count = d->count;
	if (d->text.length)
		memcpy(text, d->text.data, d->text.length);
	for (size_t i = 0; i < d->count; i++) {
		struct frame_name *frame = &names->frames[i];

		*frame = d->frames[i];
		frame->module = location->image ? location->image->name : NULL;
		if (d->function[i] != LOOKUP_NO_TEXT)
			frame->function = text + d->function[i];
		if (d->symbol[i] != LOOKUP_NO_TEXT)
			frame->symbol = text + d->symbol[i];
		if (d->file[i] != LOOKUP_NO_TEXT)
			frame->file = text + d->file[i];
		if (d->type != LOOKUP_NO_TEXT)
			frame->type = text + d->type;
		frame->skipped = skip_matches(l->skip, frame->function);
	}
	buffer_done(&d->text);
	return names;
}

static void lookup_file(const struct lookup *l, const struct location *location, struct draft *d)
{
	struct debug_frame frames[DEBUG_MAX_FRAMES], nothing = {0};
	size_t count;

	guard_begin();
	count = debug_resolve(l->debug, location->image, location->address, frames);
	for (size_t i = 0; i < count; i++)
		draft_add_frame(d, location, &frames[i]);
	if (frames[0].type)
		d->type = draft_add_text(d, frames[0].type, strlen(frames[0].type));
	if (!guard_end())
		return;
	d->type = LOOKUP_NO_TEXT;
	buffer_reset(&d->text);
	d->count = 0;
	draft_add_frame(d, location, &nothing);
}

/* The function is the line as the program wrote it: no symbol, nothing to demangle. */
static bool lookup_generated(const struct lookup *l, const struct location *location,
			     struct draft *d)
{
	struct debug_frame nothing = {0};
	const char *name;
	uint64_t start;

	draft_add_frame(d, location, &nothing);
	name = perf_maps_find(l->maps, location->jit, location->address - 1, &start);
	if (!name)
		return false;
	d->function[0] = draft_add_text(d, name, strlen(name));
	d->frames[0].offset = location->address - start;
	return true;
}

struct location_names *lookup_location(const struct lookup *l, const struct location *location)
{
	struct location_names *names;
	struct draft d;
	bool known = true;

	d.count = 0;
	d.type = LOOKUP_NO_TEXT;
	d.text = (struct buffer){0};
	if (location->jit)
		known = lookup_generated(l, location, &d);
	else
		lookup_file(l, location, &d);
	names = draft_finish(&d, l, location);
	names->unknown = !known;
	return names;
}
