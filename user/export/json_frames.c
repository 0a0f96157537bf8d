/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program has few frames compared to what its stacks have in common: written once, they make a line of 10,000 sites ten
 * times shorter.
 */
#include "json_frames.h"

#include "../symbol/image.h"
#include "frame_key.h"
#include "json_text.h"

/* By the file; of one that is not known by its name. */
static size_t put_module(struct json_frames *f, const struct frame_name *frame)
{
	char build_id[2 * IMAGE_BUILD_ID_MAX + 1];
	size_t number;
	bool added;

	buffer_reset(&f->key);
	buffer_add(&f->key, &frame->image, sizeof(frame->image));
	if (!frame->image)
		buffer_add_string(&f->key, frame->module);
	number = intern_put(&f->module_keys, f->key.data, f->key.length, &added);
	if (!added)
		return number;
	json_open(&f->modules, NULL, '{');
	json_string(&f->modules, "name", frame->module);
	json_string(&f->modules, "path", frame->image ? frame->image->path : NULL);
	json_string(&f->modules, "build_id",
		    frame->image ? image_build_id(frame->image, build_id) : NULL);
	json_close(&f->modules, '}');
	return number;
}

static void add_frame(struct json_frames *f, const struct frame_name *frame)
{
	struct buffer *out = &f->frames;

	json_open(out, NULL, '{');
	json_string(out, "function", frame->function);
	if (frame->symbol)
		json_string(out, "symbol", frame->symbol);
	json_u64(out, "offset", frame->offset);
	if (frame->module)
		json_u64(out, "module", put_module(f, frame));
	else
		json_null(out, "module");
	json_address(out, "address", frame->image ? frame->address : frame->pc);
	json_string(out, "source", frame->file);
	if (frame->line > 0)
		json_int(out, "line", frame->line);
	else
		json_null(out, "line");
	json_bool(out, "inlined", frame->inlined);
	json_close(out, '}');
}

void json_frames_add_stack(struct json_frames *f, struct buffer *out,
			   const struct stack_names *names)
{
	size_t i, number;
	bool added;

	json_open(out, "stack", '[');
	for (i = 0; i < names->frame_count; i++) {
		frame_key(&f->key, names, i);
		number = intern_put(&f->frame_keys, f->key.data, f->key.length, &added);
		if (added)
			add_frame(f, &names->frames[i]);
		json_u64(out, NULL, number);
	}
	json_close(out, ']');
}

static void add_items(struct buffer *out, const char *key, const struct buffer *items)
{
	json_open(out, key, '[');
	buffer_add(out, items->data ? items->data : "", items->length);
	json_close(out, ']');
}

void json_frames_end(struct json_frames *f, struct buffer *out)
{
	add_items(out, "frames", &f->frames);
	add_items(out, "modules", &f->modules);
}

void json_frames_done(struct json_frames *f)
{
	intern_done(&f->frame_keys);
	intern_done(&f->module_keys);
	buffer_done(&f->frames);
	buffer_done(&f->modules);
	buffer_done(&f->key);
}
