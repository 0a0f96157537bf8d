/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes on the calls of sync.Pool of one Go process, which come and go. What they count is read for all processes together. One
 * thread at a time.
 */
#ifndef PROBE_GO_POOL_PROBES_H
#define PROBE_GO_POOL_PROBES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "../target/go_pools.h"
#include "detach.h"
#include "loader.h"

struct go_pool_probes;

#define GO_POOL_WHY_MAX 128

/* `loader` is borrowed. NULL: its functions are not as they should be; *why says what. Nothing is attached yet. */
struct go_pool_probes *go_pool_probes_new(const struct loader *loader, pid_t pid, uint32_t number,
					  const struct go_pools *pools, char why[GO_POOL_WHY_MAX]);
/* Detaches what is left. NULL is fine. */
void go_pool_probes_free(struct go_pool_probes *p);
/* Misses are counted, too. */
bool go_pool_probes_sees_misses(const struct go_pool_probes *p);
/* 0, or -errno: then nothing is attached. */
int go_pool_probes_attach(struct go_pool_probes *p);
/* What it has attached is added to *d, to be closed. */
void go_pool_probes_take(struct go_pool_probes *p, struct detach *d);

typedef void go_pool_counts_fn(void *context, uint32_t number, uint64_t pool,
			       const struct go_pool_counts *counts);
/* All that was counted since it was last taken out; `take`: takes it out, which only while nothing counts loses nothing. */
void go_pool_counts_each(const struct loader *loader, bool take, go_pool_counts_fn *each,
			 void *context);

#endif /* PROBE_GO_POOL_PROBES_H */
