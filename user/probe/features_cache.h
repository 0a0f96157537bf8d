/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results of the self-test, kept until the next boot. They hold for one kernel, one build of the
 * tracer and one set of privileges, which are the key of each file; whatever is not exactly as it
 * was written is not there. A lack that may pass (memory, descriptors) is never kept.
 */
#ifndef PROBE_FEATURES_CACHE_H
#define PROBE_FEATURES_CACHE_H

#include <stdbool.h>
#include "direct_map.h"
#include "selftest.h"
#include "trap_cost.h"

/* False: not known. */
bool features_recall(enum probe_method method, struct selftest *result);
void features_remember(enum probe_method method, const struct selftest *result);
bool features_recall_seccomp(enum probe_method method, int32_t *err);
void features_remember_seccomp(enum probe_method method, int32_t err);
bool features_recall_costs(enum probe_method method, struct trap_costs *costs);
void features_remember_costs(enum probe_method method, const struct trap_costs *costs);
bool features_recall_direct(struct direct_map *map);
void features_remember_direct(const struct direct_map *map);

/* Pure: is this -errno a property of the kernel, and not of the moment? */
bool features_lasts(int32_t err);

#endif /* PROBE_FEATURES_CACHE_H */
