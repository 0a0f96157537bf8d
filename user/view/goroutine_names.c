/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "goroutine_names.h"

#include <string.h>
#include "frames.h"

/* The outermost: what is inlined at its beginning is another's. */
const struct frame_name *goroutine_function(const struct stack_names *names,
					    const struct snapshot_goroutines *row)
{
	const struct frame_name *found = NULL;
	size_t i;

	for (i = 0; row->start && i < names->frame_count; i++) {
		if (names->frames[i].pc == row->start + 1)
			found = &names->frames[i];
	}
	return found;
}

/* The innermost: the go statement may be in an inlined function. */
const struct frame_name *goroutine_creator(const struct stack_names *names,
					   const struct snapshot_goroutines *row)
{
	size_t i;

	for (i = 0; row->creator && i < names->frame_count; i++) {
		if (names->frames[i].pc == row->creator)
			return &names->frames[i];
	}
	return NULL;
}

static void add_name(struct buffer *out, const struct frame_name *frame)
{
	if (frame)
		frames_add_short(out, frame);
	else
		buffer_add_string(out, "[unknown]");
}

void goroutine_add_function(struct buffer *out, const struct stack_names *names,
			    const struct snapshot_goroutines *row)
{
	if (row->start)
		add_name(out, goroutine_function(names, row));
	else
		buffer_add_string(out, "[call from C]");
}

void goroutine_add_creator(struct buffer *out, const struct stack_names *names,
			   const struct snapshot_goroutines *row)
{
	if (row->creator)
		add_name(out, goroutine_creator(names, row));
	else
		buffer_add_string(out, "[none]");
}

void goroutine_add_source(struct buffer *out, const struct frame_name *frame)
{
	const char *slash;

	if (!frame || !frame->file)
		return;
	slash = strrchr(frame->file, '/');
	buffer_add_clean(out, slash ? slash + 1 : frame->file);
	if (frame->line > 0)
		buffer_printf(out, ":%d", frame->line);
}
