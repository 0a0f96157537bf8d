/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a site has the verdict that it has, in words. */
#ifndef ANALYSE_REASONS_H
#define ANALYSE_REASONS_H

#include "../base/buffer.h"
#include "snapshot.h"

/*
 * Appends one line without its end, such as "grew 1.2M/s for 25s (p < 0.001); of 4,012 blocks older than 20s, 3,998 are still
 * there".
 */
void reasons_add(struct buffer *out, const struct snapshot_site *site);

/* The same in parts, of things that are counted: "grew 12/s for 25s (p < 0.001)"; then "; of 12 NOUNs older than ...". */
void reasons_add_growth_of(struct buffer *out, enum verdict verdict, const struct trend *t,
			   double watched_s);
void reasons_add_survival(struct buffer *out, const struct survival *s, const char *noun);

#endif /* ANALYSE_REASONS_H */
