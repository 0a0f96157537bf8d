/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The batch report: plain text, in the words of bcc's memleak, because scripts parse them. */
#ifndef VIEW_REPORT_H
#define VIEW_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include "../analyse/snapshot.h"
#include "../base/buffer.h"
#include "../symbol/names.h"
#include "../target/resident.h"

struct report_block {
	uint64_t address, bytes;
	double age_s;
	double chance; /* of being recorded: it stands for 1 / chance blocks of its size */
	uint32_t tid;
	uint32_t site; /* heap index */
};

/* Which part of a site's blocks is in memory; false: not known. */
typedef bool report_resident_fn(void *context, const struct snapshot_site *site,
				const struct report_block *blocks, size_t count,
				struct resident *r);

/* Looks up names for a site; frames may be asked for many times. Never NULL. */
typedef const struct stack_names *report_names_fn(void *context, const struct snapshot_site *site);
/* The same for goroutines: of their function, then of the go statement (goroutine_names.h). */
typedef const struct stack_names *goroutine_names_fn(void *context, const struct snapshot *s,
						     const struct snapshot_goroutines *row);

struct report_options {
	uint64_t top;
	enum sort_key sort;
	bool verbose;
	bool show_process; /* several processes: a line before each stack says whose it is */
	const struct report_block *blocks; /* -a and -o: outstanding blocks of the snapshot, sorted
					      by site; NULL: none */
	size_t block_count;
	bool show_allocs;
	report_resident_fn *resident;	     /* with show_allocs; NULL: not wanted */
	bool pools;			     /* --pools */
	goroutine_names_fn *goroutine_names; /* NULL: no goroutines are shown */
	bool only_blocks; /* -o: bytes and counts are those of `blocks`, sites without any are left
			     out */
};

/* Appends one report to *out. Sorts the snapshot. */
void report_write(struct buffer *out, struct snapshot *s, const struct report_options *options,
		  report_names_fn *names, void *context);

/* Events that are missing from the figures, of all processes. */
uint64_t report_lost_events(const struct snapshot *s);

#endif /* VIEW_REPORT_H */
