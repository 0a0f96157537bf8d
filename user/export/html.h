/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --html: a page that needs nothing but itself. It is web/page.html with all styles and scripts, in two halves that the
 * build has made, and between them the figures as JSON (docs/html.md), which only scripts of the page read. One thread at
 * a time.
 */
#ifndef EXPORT_HTML_H
#define EXPORT_HTML_H

#include <stddef.h>
#include "../analyse/spread.h"
#include "html_series.h"
#include "sink.h"

struct html_fact {
	const char *name;
	char *value;
};

/* What a page tells beside its snapshot. */
struct html_extra {
	const struct html_series *series;
	const struct spread *spreads; /* of each process of the snapshot; NULL: not known */
	const struct html_fact *facts;
	size_t fact_count;
};

/* Of the data: readers of another one must not guess. */
#define HTML_FORMAT 1
/* Sites beyond, those with the fewest bytes, are one row for each process, with their sums. */
#define HTML_SITES_MAX 50000u

void html_write(struct sink *out, const struct export_input *in);

#endif /* EXPORT_HTML_H */
