/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How one frame, and the end of a stack, is written for people: the same words in the report and on
 * the screen. */
#ifndef VIEW_FRAMES_H
#define VIEW_FRAMES_H

#include <stdbool.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../symbol/names.h"

/* "FUNCTION+0xOFF [MODULE] (FILE:LINE)"; parts that are not known are left out. Names are cleaned.
 */
void frames_add(struct buffer *out, const struct frame_name *frame);
/* "function", "module+0xOFF" or "[unknown]": one word for lists. Names are cleaned. */
void frames_add_short(struct buffer *out, const struct frame_name *frame);
/* The frame that stands for the whole stack; NULL when the stack is not known. */
const struct frame_name *frames_function(const struct stack_names *names);
/* Why the stack is not complete ("[cut: ...]"). False, and nothing added, when it is complete. */
bool frames_add_cut(struct buffer *out, const struct stack_names *names, uint32_t stack_flags);

#endif /* VIEW_FRAMES_H */
