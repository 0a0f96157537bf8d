/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes two frames the same one. Pure; one thread at a time. */
#ifndef EXPORT_FRAME_KEY_H
#define EXPORT_FRAME_KEY_H

#include <stddef.h>
#include "../base/buffer.h"
#include "../symbol/names.h"

/* Replaces *out by the key of names->frames[at]: the same in all stacks of one snapshot. */
void frame_key(struct buffer *out, const struct stack_names *names, size_t at);

#endif /* EXPORT_FRAME_KEY_H */
