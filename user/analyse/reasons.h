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

#endif /* ANALYSE_REASONS_H */
