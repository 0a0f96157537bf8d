/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a page's data about the run as a whole. Inside of export/. */
#ifndef EXPORT_HTML_RUN_H
#define EXPORT_HTML_RUN_H

#include "html.h"

/* "run", "processes" and "spreads". */
void html_run_write(const struct export_input *in, struct buffer *out);
/* The eight totals as items: outstanding bytes and count, alloc, free, peak bytes, temporary count. */
void html_totals_write(const struct totals *t, struct buffer *out);
/* Two items: lowest and highest outstanding bytes, nulls when they are exact. */
void html_range_write(const struct uncertain *u, struct buffer *out);

#endif /* EXPORT_HTML_RUN_H */
