/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of a stack's frames are an allocator's, and what is left of it without them. Pure. */
#ifndef SYMBOL_TRIM_H
#define SYMBOL_TRIM_H

#include "names.h"

/* Sets function_frame, and unmarks frames further out. */
void trim_mark_skipped(struct stack_names *s);
/* As names_caller(): the type, too. */
void trim_to_caller(struct stack_names *s);
/* One frame for each pc. */
void trim_to_innermost(struct stack_names *s);

#endif /* SYMBOL_TRIM_H */
