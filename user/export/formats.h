/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The formats in which a snapshot can be written: one table, from which the options --NAME FILE, the outputs and the
 * view's key `e` work. A new format is a value here, a row in formats.c and a row in the option table.
 */
#ifndef EXPORT_FORMATS_H
#define EXPORT_FORMATS_H

#include <stdbool.h>
#include "sink.h"

enum format_id {
	FORMAT_CSV,
	FORMAT_CSV_BLOCKS,
	FORMAT_CSV_TIMELINE,
	FORMAT_CSV_GO,
	FORMAT_JSON,
	FORMAT_FOLDED,
	FORMAT_PPROF,
	FORMAT_HTML,
	FORMATS
};

struct export_format {
	const char *name;   /* of the option, and as asked for by a key */
	const char *suffix; /* of a file's name, with its dot */
	const char *what;   /* a few words for people */
	const char *header; /* streamed: begins each file; NULL: none */
	bool streamed; /* written at every interval, behind what is there; else at the end, as a whole */
	bool lists_blocks;     /* its rows are blocks: not at every interval */
	bool names_sites;      /* asks for the names of the sites that it writes */
	bool names_goroutines; /* the same of goroutines */
	bool tells_run;	       /* needs `html` of its input */
	bool has_lifetimes;    /* needs `lifetimes` of its input */
	void (*write)(struct sink *out, const struct export_input *in);
};

extern const struct export_format export_formats[FORMATS];
/* NULL when there is no such format. */
const struct export_format *export_format_find(const char *name);

#endif /* EXPORT_FORMATS_H */
