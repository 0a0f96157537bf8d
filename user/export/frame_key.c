/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code of a file is the same where it is the same place of the same file, whatever address the process has it at, and the
 * same function among those that were inlined there. Other code is what is known about it.
 */
#include "frame_key.h"

#include <stdint.h>
#include "../symbol/image.h"

struct place {
	uint64_t file, address, depth;
};

/* How many frames of the same address are within this one. */
static size_t depth_of(const struct stack_names *names, size_t at)
{
	size_t depth = 0;

	while (depth < at && names->frames[at - depth - 1].inlined)
		depth++;
	return depth;
}

static void add_text(struct buffer *out, const char *text)
{
	if (text)
		buffer_add_string(out, text);
	buffer_add_char(out, '\0');
}

void frame_key(struct buffer *out, const struct stack_names *names, size_t at)
{
	const struct frame_name *frame = &names->frames[at];
	const struct place place = {.file = (uintptr_t)frame->image,
				    .address = frame->address,
				    .depth = depth_of(names, at)};
	const struct place other = {.address = frame->function ? frame->offset : frame->pc,
				    .depth = (uint64_t)frame->line << 1 | frame->inlined};

	buffer_reset(out);
	if (frame->image) {
		buffer_add(out, &place, sizeof(place));
		return;
	}
	buffer_add(out, &other, sizeof(other));
	add_text(out, frame->function);
	add_text(out, frame->module);
	add_text(out, frame->file);
}
