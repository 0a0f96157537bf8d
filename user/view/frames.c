/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words for frames. Input is what symbol/names.h knows about a stack, which comes from the
 * target's files and so may hold anything; output is always one printable line.
 */
#include "frames.h"

#include <inttypes.h>
#include <stddef.h>
#include "../../include/event.h"

static void add_source(struct buffer *out, const struct frame_name *frame)
{
	if (!frame->file)
		return;
	buffer_add_string(out, " (");
	buffer_add_clean(out, frame->file);
	if (frame->line > 0)
		buffer_printf(out, ":%d", frame->line);
	buffer_add_char(out, ')');
}

void frames_add(struct buffer *out, const struct frame_name *frame)
{
	if (frame->function) {
		buffer_add_clean(out, frame->function);
		if (frame->inlined)
			buffer_add_string(out, " (inlined)");
		else
			buffer_printf(out, "+0x%" PRIx64, frame->offset);
	} else {
		buffer_printf(out, "0x%" PRIx64, frame->pc);
	}
	if (frame->module) {
		buffer_add_string(out, " [");
		buffer_add_clean(out, frame->module);
		buffer_add_char(out, ']');
	}
	add_source(out, frame);
}

void frames_add_short(struct buffer *out, const struct frame_name *frame)
{
	if (frame->function) {
		buffer_add_clean(out, frame->function);
	} else if (frame->module) {
		buffer_add_clean(out, frame->module);
		buffer_printf(out, "+0x%" PRIx64, frame->offset);
	} else {
		buffer_add_string(out, "[unknown]");
	}
}

const struct frame_name *frames_function(const struct stack_names *names)
{
	if (names->frame_count == 0)
		return NULL;
	if (names->function_frame >= names->frame_count)
		return &names->frames[0];
	return &names->frames[names->function_frame];
}

/* NULL: the stack is whole. */
static const char *reason(uint32_t stack_flags)
{
	if (stack_flags & STACK_F_FAULT)
		return "the stack could not be read";
	if (stack_flags & STACK_F_BROKEN)
		return "the frames make no sense";
	if (stack_flags & STACK_F_CHANGED)
		return "modules changed meanwhile";
	return NULL;
}

/* The BPF side did not know where it is. If we do, it has not been told in time. */
static void add_unknown(struct buffer *out, const struct frame_name *root)
{
	if (!root->module) {
		buffer_add_string(out, "[cut: an address in no module]");
		return;
	}
	buffer_add_string(out, "[cut: the unwind table of ");
	buffer_add_clean(out, root->module);
	buffer_add_string(out, " was not ready]");
}

bool frames_add_cut(struct buffer *out, const struct stack_names *names, uint32_t stack_flags)
{
	const struct frame_name *root;

	if (names->frame_count == 0) {
		buffer_add_string(out, "[stack not known: lost]");
		return true;
	}
	root = &names->frames[names->frame_count - 1];
	if (stack_flags & (STACK_F_FAILED | STACK_F_NO_INFO)) {
		buffer_add_string(out, "[cut: no unwind information for ");
		buffer_add_clean(out, root->module ? root->module : "an address in no module");
		buffer_add_char(out, ']');
	} else if (stack_flags & STACK_F_NO_MAPPING) {
		add_unknown(out, root);
	} else if (stack_flags & STACK_F_CUT) {
		if (stack_flags & STACK_F_LOGICAL)
			buffer_add_string(out, "[cut: its runtime keeps no more frames]");
		else
			buffer_printf(out, "[cut: deeper than %d frames]", STACK_MAX_FRAMES);
	} else if (reason(stack_flags)) {
		buffer_printf(out, "[cut: %s]", reason(stack_flags));
	} else if (stack_flags & STACK_F_POINTERS) {
		buffer_add_string(
			out,
			"[guessed: walked by frame pointers, functions without one are missing]");
	} else {
		return false;
	}
	return true;
}
