/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stack_text.h"

#include "../view/frames.h"

static void end_frame(struct buffer *out, size_t start)
{
	for (; start < out->length; start++) {
		if (out->data[start] == ';')
			out->data[start] = ':';
	}
}

void stack_text_add_frame(struct buffer *out, const char *name)
{
	size_t start = out->length;

	buffer_add_clean(out, name);
	end_frame(out, start);
}

void stack_text_add(struct buffer *out, const struct stack_names *names)
{
	size_t i, start;

	for (i = names->frame_count; i-- > 0;) {
		start = out->length;
		frames_add_short(out, &names->frames[i]);
		end_frame(out, start);
		if (i > 0)
			buffer_add_char(out, ';');
	}
}
