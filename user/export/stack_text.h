/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stack in one line: root first, `;` between frames. Pure; any thread. */
#ifndef EXPORT_STACK_TEXT_H
#define EXPORT_STACK_TEXT_H

#include "../base/buffer.h"
#include "../symbol/names.h"

/* A name as a frame: a `;` in it becomes `:`. */
void stack_text_add_frame(struct buffer *out, const char *name);
void stack_text_add(struct buffer *out, const struct stack_names *names);

#endif /* EXPORT_STACK_TEXT_H */
