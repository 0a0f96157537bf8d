/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three CSV files of the interface. A snapshot's rows are formatted whole, then written and
 * flushed at once, so that a reader never sees a part of one. Files are created anew without
 * following links (an existing regular file is truncated);
 * "-" is stdout. One thread at a time.
 */
#ifndef EXPORT_CSV_H
#define EXPORT_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../analyse/snapshot.h"
#include "../symbol/names.h"
#include "../view/report.h"

struct csv;

/* Opens and writes the header row. NULL after a message that names the file. `kind` is one of the
 * three below. */
enum csv_kind { CSV_SITES, CSV_BLOCKS, CSV_TIMELINE };
struct csv *csv_open(enum csv_kind kind, const char *path);
/* For SIGHUP: closes and opens the path again (header again). 0 or -errno after a message. */
int csv_reopen(struct csv *c);
/* 0, or -errno after one message (then and later nothing more is written). */
int csv_close(struct csv *c);

/* Sites whose version is above since_version (0: all). 0 or -errno after a message at the first
 * failure. */
int csv_write_sites(struct csv *c, const struct snapshot *s, uint64_t since_version,
		    report_names_fn *names, void *context);
int csv_write_blocks(struct csv *c, const struct snapshot *s, const struct report_block *blocks,
		     size_t count, report_names_fn *names, void *context);
int csv_write_timeline(struct csv *c, const struct snapshot *s);
bool csv_failed(const struct csv *c);

#endif /* EXPORT_CSV_H */
