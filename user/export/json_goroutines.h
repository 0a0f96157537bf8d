/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The goroutines of a process as JSON. Pure. */
#ifndef EXPORT_JSON_GOROUTINES_H
#define EXPORT_JSON_GOROUTINES_H

#include "sink.h"

/* Adds "goroutines", null when they are not known, of a process by its index. */
void json_add_goroutines(struct buffer *out, const struct export_input *in, size_t process);

#endif /* EXPORT_JSON_GOROUTINES_H */
