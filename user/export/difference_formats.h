/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The formats in which a difference can be written, each once and whole: rows as in formats.h, of which `write` takes
 * input.difference. A row without `write`: a difference has nothing of what that format is about.
 */
#ifndef EXPORT_DIFFERENCE_FORMATS_H
#define EXPORT_DIFFERENCE_FORMATS_H

#include "formats.h"

extern const struct export_format difference_formats[FORMATS];

/* One row for each site of either side. */
void difference_write_csv(struct sink *out, const struct export_input *in);
/* A line for the whole, then one for each site (docs/json.md). */
void difference_write_json(struct sink *out, const struct export_input *in);
/* A page of its own, web/difference.html (docs/html.md). */
void difference_write_html(struct sink *out, const struct export_input *in);

#endif /* EXPORT_DIFFERENCE_FORMATS_H */
