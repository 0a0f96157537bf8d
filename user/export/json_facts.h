/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of sites and processes beside their totals, as JSON. Pure. */
#ifndef EXPORT_JSON_FACTS_H
#define EXPORT_JSON_FACTS_H

#include "sink.h"

/* Where the true figures lie, 95 times in 100; u NULL: they are exact. */
void json_add_intervals(struct buffer *out, const struct uncertain *u, double growth);
/* Per second, with its 95 % interval; null when it was not watched yet. */
void json_add_trend(struct buffer *out, const char *key, const struct trend *t, double watched_s);
/* Of those that got old. */
void json_add_survival(struct buffer *out, const struct survival *s);
/* Growth, ages, lifetimes and the reasons of the verdict. */
void json_add_site_facts(struct buffer *out, const struct export_input *in,
			 const struct snapshot_site *site);
/* Growth, memory as the kernel counts it, and the limit that it meets first. */
void json_add_process_facts(struct buffer *out, const struct snapshot_process *p);

/* The pools of a Go program. */
void json_add_go_pools(struct buffer *out, const struct go_pools_figures *f);

#endif /* EXPORT_JSON_FACTS_H */
