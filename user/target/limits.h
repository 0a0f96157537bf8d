/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bounds the memory of a process, and how much of it is left. Any thread. */
#ifndef TARGET_LIMITS_H
#define TARGET_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum limit_kind {
	LIMIT_CGROUP,	     /* of its control group or one above it, v2 or v1 */
	LIMIT_ADDRESS_SPACE, /* RLIMIT_AS */
	LIMIT_MACHINE,	     /* what the machine can give without swapping */
	LIMIT_KINDS
};

struct memory_limit {
	bool known; /* there is one */
	uint64_t limit_bytes, left_bytes;
};

struct memory_limits {
	struct memory_limit v[LIMIT_KINDS];
};

/* `root` is "" or, for tests, a directory with proc/ and sys/. What cannot be read is not known. */
void limits_read(const char *root, pid_t pid, struct memory_limits *limits);

#endif /* TARGET_LIMITS_H */
