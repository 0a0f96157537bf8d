/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What call sites hold at the end of one run (A) and of another (B), side by side. One thread at a time. */
#ifndef EXPORT_DIFFERENCE_H
#define EXPORT_DIFFERENCE_H

#include <stddef.h>
#include <stdint.h>
#include "../symbol/names.h"
#include "csv_read.h"

/* In the order in which sites are written. */
enum difference_kind {
	DIFFERENCE_APPEARED,
	DIFFERENCE_GREW,
	DIFFERENCE_SHRANK,
	DIFFERENCE_DISAPPEARED,
	DIFFERENCE_NONE,
	DIFFERENCE_KINDS
};

struct difference_site {
	const struct csv_site *a, *b; /* of all zeros where it is not there */
	const struct csv_site *site;  /* that one of them that names it: b, else a */
	enum difference_kind kind;
	int64_t bytes, count; /* b - a, outstanding */
};

struct difference_side {
	const char *path;
	struct csv_sites sites;
	uint64_t bytes, count; /* outstanding */
};

struct difference {
	struct difference_side a, b;   /* paths and sites are filled in by the owner */
	struct difference_site *sites; /* by kind, then the largest change first */
	size_t site_count;
	size_t counts[DIFFERENCE_KINDS];
	int64_t bytes, count; /* b - a */
};

/* "appeared", "grew", ... */
const char *difference_kind_name(enum difference_kind kind);
/* Compares the two sides. */
void difference_make(struct difference *d);
/* The sides, too. */
void difference_done(struct difference *d);

/* Scratch of difference_names(). Zero-initialised is empty and valid. */
struct difference_names {
	struct stack_names names;
	char *text; /* that frames point into */
	size_t capacity;
};

/*
 * The stack of a site as its row tells it: the names of all frames, file, line and module of the one that is the site's
 * function, no addresses. Valid until the next call.
 */
const struct stack_names *difference_names(struct difference_names *n, const struct csv_site *site);
void difference_names_done(struct difference_names *n);

#endif /* EXPORT_DIFFERENCE_H */
