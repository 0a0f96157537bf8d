/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a growing process meets a limit of its memory. Pure. */
#ifndef ANALYSE_EXHAUST_H
#define ANALYSE_EXHAUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../target/limits.h"

struct exhaustion {
	bool known; /* it grows, and there is a limit */
	enum limit_kind kind;
	uint64_t limit_bytes, left_bytes;
	double seconds; /* until nothing is left, at the present growth */
};

/* The limit that is met first. */
struct exhaustion exhaustion_of(const struct memory_limits *limits, double growth_bytes_per_s);
/* "its cgroup's limit (512M) in 2h04m" into out; "" when it is not known. Returns out. */
const char *exhaustion_text(const struct exhaustion *e, char *out, size_t size);

#endif /* ANALYSE_EXHAUST_H */
