/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folded stacks, as flamegraph.pl and its relatives read them: `PROCESS;ROOT;...;LEAF VALUE`, one line a stack. */
#ifndef EXPORT_FOLDED_H
#define EXPORT_FOLDED_H

#include "sink.h"

/* False when there is no such value. */
bool folded_value_parse(const char *name, enum folded_value *value);
void folded_write(struct sink *out, const struct export_input *in);
/* Of in->difference, as difffolded.pl writes it: `ROOT;...;LEAF A B`, sites of all processes together. */
void folded_write_difference(struct sink *out, const struct export_input *in);

#endif /* EXPORT_FOLDED_H */
