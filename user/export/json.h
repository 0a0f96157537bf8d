/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON lines: one object for each snapshot, with all that is known (docs/json.md). */
#ifndef EXPORT_JSON_H
#define EXPORT_JSON_H

#include "sink.h"

/* Changes when a reader of lines of before would misunderstand new ones; fields may be added at any time. */
#define JSON_VERSION 1

void json_write(struct sink *out, const struct export_input *in);

#endif /* EXPORT_JSON_H */
