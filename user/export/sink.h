/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a format is made from, and where it writes. */
#ifndef EXPORT_SINK_H
#define EXPORT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../analyse/snapshot.h"
#include "../base/breath.h"
#include "../base/buffer.h"
#include "../symbol/names.h"
#include "../view/report.h"

/* A format adds to `text`, which is handed on whenever it is large. */
struct sink {
	struct buffer text;
	int (*write)(void *file, const char *data, size_t size);
	void *file;
	int error;	       /* of the first write that failed */
	struct breath *breath; /* NULL: nobody waits */
};

/* To be called between two lines or other pieces: breathes. 0 or the error: then the rest need not be made. */
int sink_spill(struct sink *s);

/* What folded stacks count. */
enum folded_value {
	FOLDED_OUTSTANDING = 0,
	FOLDED_ALLOCATED = 1,
	FOLDED_COUNT = 2,
	FOLDED_TEMPORARY = 3
};

/* What is done when a reader does not keep up. */
enum reader_wait {
	READER_LEFT_BEHIND = 0, /* this snapshot is left out, and counted */
	READER_WAITED_FOR = 1,	/* until there is room, unless a breath gives it up */
	READER_OWED = 2		/* the last of a file: it is kept for the reader in any case */
};

struct html_extra;
struct difference;

/* One snapshot and what belongs to its moment. All borrowed. */
struct export_input {
	const struct snapshot *snapshot;
	uint64_t realtime_ns;	/* of the snapshot, whole milliseconds, later than in any before */
	uint64_t since_version; /* streamed: only sites that changed after it; 0: all */
	report_names_fn *names; /* of a site; valid until the next call */
	goroutine_names_fn *goroutine_names; /* the same of goroutines; NULL: none are known */
	void *context;			     /* of names */
	const struct report_block
		*blocks; /* outstanding ones, sorted by site; of formats that list them */
	size_t block_count;
	enum folded_value folded;
	/* Lifetimes and sizes of the blocks of a site, by its number; false when they are not known. NULL: none are. */
	bool (*lifetimes)(void *context, uint32_t site, struct lifetimes *out);
	const struct html_extra *html; /* of formats that tell of the whole run */
	/* What is written in place of the snapshot, which then has no more than its time. */
	const struct difference *difference;
	struct breath *breath; /* for long work; NULL: nobody waits */
	enum reader_wait reader;
};

#endif /* EXPORT_SINK_H */
