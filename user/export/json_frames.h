/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames and files of a line of JSON, each of them once: sites refer to them by number. One thread at a time. */
#ifndef EXPORT_JSON_FRAMES_H
#define EXPORT_JSON_FRAMES_H

#include "../base/buffer.h"
#include "../symbol/names.h"
#include "intern.h"

/* All zeros at first. */
struct json_frames {
	struct intern frame_keys, module_keys;
	struct buffer frames, modules; /* items of arrays */
	struct buffer key;	       /* scratch */
};

/* Adds "stack":[...], the innermost frame first. */
void json_frames_add_stack(struct json_frames *f, struct buffer *out,
			   const struct stack_names *names);
/* Adds "frames":[...] and "modules":[...]. */
void json_frames_end(struct json_frames *f, struct buffer *out);
void json_frames_done(struct json_frames *f);

#endif /* EXPORT_JSON_FRAMES_H */
