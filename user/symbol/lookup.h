/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One location -> its names, in memory of their own. One thread at a time. */
#ifndef SYMBOL_LOOKUP_H
#define SYMBOL_LOOKUP_H

#include "resolver.h"

struct debug;
struct perf_maps;

struct lookup {
	struct debug *debug;
	struct perf_maps *maps;
	const struct skip *skip;
};

/* Never NULL; may take seconds. */
struct location_names *lookup_location(const struct lookup *l, const struct location *location);

#endif /* SYMBOL_LOOKUP_H */
