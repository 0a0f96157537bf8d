/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each text and each frame of a page once: sites refer to frames by number, frames to texts. Zero-initialised is empty and
 * valid. One thread at a time.
 */
#ifndef EXPORT_HTML_NAMES_H
#define EXPORT_HTML_NAMES_H

#include "../base/buffer.h"
#include "../symbol/names.h"
#include "intern.h"

struct html_names {
	struct intern texts, frame_keys;
	struct buffer text_list, frame_list; /* items of arrays */
	struct buffer key;		     /* scratch */
};

#define HTML_FRAME_INLINED 1u

/* From 1; 0 is no text. */
size_t html_names_text(struct html_names *n, const char *text);
/* "key":[...], numbers of frames from 0, the innermost first. */
void html_names_stack(struct html_names *n, struct buffer *out, const struct stack_names *names);
/*
 * "frames":[[function, module, file, line, offset, flags]...], without function and module offset is the address;
 * "texts":[null, ...].
 */
void html_names_end(struct html_names *n, struct buffer *out);
void html_names_done(struct html_names *n);

#endif /* EXPORT_HTML_NAMES_H */
