/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for texts and frames, in the order in which they come. */
#include "html_names.h"

#include <string.h>
#include "frame_key.h"
#include "json_text.h"

size_t html_names_text(struct html_names *n, const char *text)
{
	size_t number;
	bool added;

	if (!text)
		return 0;
	number = intern_put(&n->texts, text, strlen(text), &added);
	if (added)
		json_string(&n->text_list, NULL, text);
	return number + 1;
}

static void add_frame(struct html_names *n, const struct frame_name *frame)
{
	bool placed = frame->function || frame->module;
	size_t function = html_names_text(n, frame->function);
	size_t module = html_names_text(n, frame->module);
	size_t file = html_names_text(n, frame->file);

	json_open(&n->frame_list, NULL, '[');
	json_u64(&n->frame_list, NULL, function);
	json_u64(&n->frame_list, NULL, module);
	json_u64(&n->frame_list, NULL, file);
	json_int(&n->frame_list, NULL, frame->line);
	json_u64(&n->frame_list, NULL, placed ? frame->offset : frame->pc);
	json_u64(&n->frame_list, NULL, frame->inlined ? HTML_FRAME_INLINED : 0);
	json_close(&n->frame_list, ']');
}

void html_names_stack(struct html_names *n, struct buffer *out, const struct stack_names *names)
{
	size_t i, number;
	bool added;

	json_open(out, NULL, '[');
	for (i = 0; i < names->frame_count; i++) {
		frame_key(&n->key, names, i);
		number = intern_put(&n->frame_keys, n->key.data, n->key.length, &added);
		if (added)
			add_frame(n, &names->frames[i]);
		json_u64(out, NULL, number);
	}
	json_close(out, ']');
}

void html_names_end(struct html_names *n, struct buffer *out)
{
	json_open(out, "frames", '[');
	if (n->frame_list.length)
		buffer_add(out, n->frame_list.data, n->frame_list.length);
	json_close(out, ']');
	json_open(out, "texts", '[');
	json_null(out, NULL);
	if (n->text_list.length) {
		buffer_add_char(out, ',');
		buffer_add(out, n->text_list.data, n->text_list.length);
	}
	json_close(out, ']');
}

void html_names_done(struct html_names *n)
{
	intern_done(&n->texts);
	intern_done(&n->frame_keys);
	buffer_done(&n->text_list);
	buffer_done(&n->frame_list);
	buffer_done(&n->key);
}
