/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of openmetrics.h share: how a line is written. */
#ifndef EXPORT_OPENMETRICS_PRIVATE_H
#define EXPORT_OPENMETRICS_PRIVATE_H

#include <stdbool.h>
#include "../analyse/snapshot.h"
#include "../base/buffer.h"
#include "sink.h"

enum type { GAUGE, COUNTER, INFO, UNKNOWN, SUMMARY };

struct family {
	const char *name;
	enum type type;
	const char *unit; /* the end of the name; NULL: none */
	const char *help;
};

struct page {
	struct buffer *out;
	bool classic;
};

void openmetrics_add_family(struct page *p, const struct family *f);
/* The first label of a sample has '{' before it, others ','. */
void openmetrics_add_label(struct page *p, char before, const char *name, const char *value);
/* Without the closing bracket. */
void openmetrics_add_process_labels(struct page *p, const struct snapshot_process *process);
/* Ends the line. */
void openmetrics_add_number(struct page *p, double value);

/* The live heap of Go programs by call site, as a whole. */
void openmetrics_add_go_heap(struct page *p, const struct snapshot *s);
/* Calls of the pools of Go programs. */
void openmetrics_add_go_pools(struct page *p, const struct snapshot *s);
/* Groups of goroutines, the largest `top` of all, by what they wait for and where they come from. */
void openmetrics_add_goroutines(struct page *p, const struct export_input *in, uint64_t top);

/* What the runtimes of Go programs count, by the names that Prometheus' own collector for Go has. */
void openmetrics_add_go(struct page *p, const struct snapshot *s);
void openmetrics_add_go_gc(struct page *p, const struct snapshot *s);

#endif /* EXPORT_OPENMETRICS_PRIVATE_H */
