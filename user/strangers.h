/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Children of traced processes that are not followed. They have inherited the breakpoints of their
 * parents and would pay for each for ever, so those that do not exec soon are freed of them. The
 * main thread only.
 */
#ifndef USER_STRANGERS_H
#define USER_STRANGERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "consumer.h"

struct tracker;

struct strangers {
	struct stranger {
		pid_t pid;
		uint32_t parent; /* number of the traced process */
		uint64_t due_ns;
		unsigned int tries;
	} * v;
	size_t count;
	uint64_t sweep_after_ns; /* not before: sweeping must not become the work */
};

void strangers_done(struct strangers *s);
/* From an EVENT_STRANGER. */
void strangers_add(struct strangers *s, const struct notice *n);
/* Frees the tracker's strangers of breakpoints, when it is time; when to call again (UINT64_MAX:
 * nothing to do). */
uint64_t strangers_sweep(struct tracker *t, uint64_t now_ns);

#endif /* USER_STRANGERS_H */
