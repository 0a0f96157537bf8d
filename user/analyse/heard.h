/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was there before tracing began is no growth. Runtimes tell of it late (heap/bulk.c): then it is added to histories as if it had
 * been known from their beginning. This is about how much of it is in them already. Pure.
 */
#ifndef ANALYSE_HEARD_H
#define ANALYSE_HEARD_H

#include "../heap/heap.h"
#include "series.h"

/* What is in the histories of sites, by site.bulk. Zero-initialised is empty. */
struct heard {
	struct carried *raised;
	uint32_t capacity;
};

void heard_done(struct heard *e);
/* What of `before` is not in the history yet. */
struct carried heard_new(const struct carried *before, const struct carried *raised);
struct carried heard_new_of_site(const struct heard *e, const struct heap *h, const struct site *s);
/* Brings a history that begins at first_ns up to date, and *raised. 0 or -ENOMEM. */
int heard_raise(struct series *s, uint64_t first_ns, const struct carried *before,
		struct carried *raised, const struct series_limits *limits);
int heard_raise_site(struct heard *e, const struct heap *h, const struct site *site,
		     struct series *s, uint64_t first_ns, const struct series_limits *limits);

#endif /* ANALYSE_HEARD_H */
