/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this kernel and these privileges offer: found out by trying, never by version. */
#ifndef PROBE_FEATURES_H
#define PROBE_FEATURES_H

#include <stdbool.h>
#include "direct_map.h"
#include "selftest.h"

struct features {
	bool btf;
	struct selftest methods[PROBE_METHODS]; /* .err -ENOSYS: not tried */
	int direct_err;				/* of direct_map_find(); features_try_all() only */
};

/*
 * Tries what `wanted` (0: the best that works) needs. What was found out in this boot, by the same
 * tracer with the same privileges, is not tried again.
 */
void features_try(struct features *f, enum probe_method wanted);
/* Tries all ways, those that would not be used, too, and always anew. */
void features_try_all(struct features *f);
/* Remembered, too. 0 or -errno, as direct_map_find(). */
int features_direct_map(struct direct_map *map);
/* A process under a seccomp filter survives a return probe. Remembered like the others. */
bool features_survives_seccomp(enum probe_method method);
/* May BPF programs be loaded? */
bool features_privileged(const struct features *f);
/* Best method that works, 0 when none does. */
enum probe_method features_best(const struct features *f);
/* --check. Returns false when tracing is not possible. */
bool features_print(const struct features *f);

#endif /* PROBE_FEATURES_H */
