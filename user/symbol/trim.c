// SPDX-License-Identifier: GPL-2.0-or-later
/* Names are bare and demangled, from the target, and compared only. */
#include "trim.h"

#include <string.h>
#include "skip.h"

/* Only the innermost run of allocator internals is skipped: a comparison function that malloc calls
 * is not. */
void trim_mark_skipped(struct stack_names *s)
{
	size_t i = 0;

	while (i < s->frame_count && s->frames[i].skipped)
		i++;
	s->function_frame = i < s->frame_count ? i : 0;
	for (; i < s->frame_count; i++)
		s->frames[i].skipped = false;
}

static bool is_allocator(const struct frame_name *frame)
{
	return frame->function && skip_is_go_allocator(frame->function);
}

/* What the caller asked for says more than what the runtime makes of it, as a part of a map. */
static const char *find_type(const struct stack_names *s, size_t caller)
{
	size_t i;

	for (i = caller + 1; i > 0; i--) {
		if (i <= s->frame_count && s->frames[i - 1].type)
			return s->frames[i - 1].type;
	}
	return NULL;
}

void trim_to_caller(struct stack_names *s)
{
	size_t begin = 0;

	while (begin + 1 < s->frame_count && is_allocator(&s->frames[begin]))
		begin++;
	s->type = find_type(s, begin);
	s->frame_count -= begin;
	memmove(s->frames, s->frames + begin, s->frame_count * sizeof(*s->frames));
	trim_mark_skipped(s);
}

void trim_to_innermost(struct stack_names *s)
{
	size_t to = 0;
	bool first = true;

	for (size_t i = 0; i < s->frame_count; i++) {
		bool inlined = s->frames[i].inlined;

		if (first)
			s->frames[to++] = s->frames[i];
		first = !inlined;
	}
	s->frame_count = to;
}
