/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All limits are met by the same growth: the one with least left comes first. */
#include "exhaust.h"

#include <stdio.h>
#include "../base/units.h"

/* Below it, and beyond a year, nothing can be said of the future. */
#define GROWTH_LEAST 1.0
#define SECONDS_MOST (365.0 * 86400)

struct exhaustion exhaustion_of(const struct memory_limits *limits, double growth_bytes_per_s)
{
	struct exhaustion e = {.known = false};

	if (!(growth_bytes_per_s >= GROWTH_LEAST))
		return e;
	for (int kind = 0; kind < LIMIT_KINDS; kind++) {
		const struct memory_limit *limit = &limits->v[kind];

		if (!limit->known || (e.known && e.left_bytes <= limit->left_bytes))
			continue;
		e.known = true;
		e.kind = (enum limit_kind)kind;
		e.limit_bytes = limit->limit_bytes;
		e.left_bytes = limit->left_bytes;
	}
	e.seconds = (double)e.left_bytes / growth_bytes_per_s;
	if (e.seconds > SECONDS_MOST)
		e.known = false;
	return e;
}

const char *exhaustion_text(const struct exhaustion *e, char *out, size_t size)
{
	static const char *const names[LIMIT_KINDS] = {
		[LIMIT_CGROUP] = "the limit of its cgroup",
		[LIMIT_ADDRESS_SPACE] = "its limit of address space (RLIMIT_AS)",
		[LIMIT_MACHINE] = "the end of the machine's memory",
	};
	char limit[16], left[16], time[16];

	out[0] = '\0';
	if (!e->known)
		return out;
	snprintf(out, size, "%s, %s, of which %s are left, in %s", names[e->kind],
		 units_bytes(e->limit_bytes, limit, sizeof(limit)),
		 units_bytes(e->left_bytes, left, sizeof(left)),
		 units_duration(e->seconds, time, sizeof(time)));
	return out;
}
