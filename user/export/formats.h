/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The formats in which a snapshot can be written: one table, from which the options --NAME FILE, the outputs and the
 * view's key `e` work. A new format is a value here, a row in formats.c and a row in the option table.
 */
#ifndef EXPORT_FORMATS_H
#define EXPORT_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../analyse/snapshot.h"
#include "../base/buffer.h"
#include "../symbol/names.h"
#include "../view/report.h"

enum format_id { FORMAT_CSV, FORMAT_CSV_BLOCKS, FORMAT_CSV_TIMELINE, FORMATS };

/* Where a format writes: into `text`, which is handed on whenever it is large. */
struct sink {
	struct buffer text;
	int (*write)(void *file, const char *data, size_t size);
	void *file;
	int error; /* of the first write that failed */
};

/* To be called between two lines or other pieces. 0 or the error: then the rest need not be made. */
int sink_spill(struct sink *s);

/* One snapshot and what belongs to its moment. All borrowed. */
struct export_input {
	const struct snapshot *snapshot;
	uint64_t realtime_ns;	/* of the snapshot, whole milliseconds, later than in any before */
	uint64_t since_version; /* streamed: only sites that changed after it; 0: all */
	report_names_fn *names; /* of a site; valid until the next call */
	void *context;		/* of names */
	const struct report_block
		*blocks; /* outstanding ones, sorted by site; for formats that list them */
	size_t block_count;
};

struct export_format {
	const char *name;   /* of the option, and as asked for by a key */
	const char *suffix; /* of a file's name, with its dot */
	const char *what;   /* a few words for people */
	const char *header; /* streamed: begins each file; NULL: none */
	bool streamed; /* written at every interval, behind what is there; else at the end, as a whole */
	bool lists_blocks; /* its rows are blocks: not at every interval */
	bool names_sites;  /* asks for the names of the sites that it writes */
	void (*write)(struct sink *out, const struct export_input *in);
};

extern const struct export_format export_formats[FORMATS];
/* NULL when there is no such format. */
const struct export_format *export_format_find(const char *name);

#endif /* EXPORT_FORMATS_H */
