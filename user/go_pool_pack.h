/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pools of a Go program as bytes of a recording (facts.h), and back. */
#ifndef USER_GO_POOL_PACK_H
#define USER_GO_POOL_PACK_H

#include "analyse/go_pools.h"
#include "capture/pack.h"

/*
 * Rows are X(number, member) of what is a number; append only. Those of the process, then those of each pool.
 */
/* clang-format off */
#define GO_POOLS_ROWS(X) \
	X(1, known) \
	X(2, lists) \
	X(3, race) \
	X(4, sees_calls) \
	X(5, sees_misses) \
	X(6, slices) \
	X(7, covered_ns) \
	X(8, lost) \
	X(9, left_out)

#define GO_POOL_ROWS(X) \
	X(1, facts.address) \
	X(2, facts.listed) \
	X(3, facts.has_new) \
	X(4, facts.by_value) \
	X(5, facts.plain) \
	X(6, facts.bytes) \
	X(7, gets) \
	X(8, puts) \
	X(9, misses) \
	X(10, made)

#define GO_POOL_TEXTS(X) \
	X(20, facts.name) \
	X(21, facts.made_by) \
	X(22, facts.type)
/* clang-format on */

void go_pool_pack(const struct go_pools_figures *f, struct buffer *out);
/* Overwrites *f; it is empty when the bytes make no sense. */
void go_pool_unpack(struct go_pools_figures *f, struct unpack list);

#endif /* USER_GO_POOL_PACK_H */
