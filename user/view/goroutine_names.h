/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where goroutines come from, from the names that a goroutine_names_fn gives. Pure. */
#ifndef VIEW_GOROUTINE_NAMES_H
#define VIEW_GOROUTINE_NAMES_H

#include "../analyse/snapshot.h"
#include "../base/buffer.h"
#include "../symbol/names.h"

/* The function that they run; NULL: not known. */
const struct frame_name *goroutine_function(const struct stack_names *names,
					    const struct snapshot_goroutines *row);
/* The function with the go statement, at its line; NULL: not known, or none of the program's. */
const struct frame_name *goroutine_creator(const struct stack_names *names,
					   const struct snapshot_goroutines *row);
/* "main.serve", or its module and place, "[unknown]", or for calls from C "[call from C]". */
void goroutine_add_function(struct buffer *out, const struct stack_names *names,
			    const struct snapshot_goroutines *row);
/* "main.main", or "[none]": the program itself, and calls from C. */
void goroutine_add_creator(struct buffer *out, const struct stack_names *names,
			   const struct snapshot_goroutines *row);
/* "FILE:LINE" of a frame, without its directories; nothing when it is not known. */
void goroutine_add_source(struct buffer *out, const struct frame_name *frame);

#endif /* VIEW_GOROUTINE_NAMES_H */
