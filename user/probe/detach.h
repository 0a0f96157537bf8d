/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Closes what holds probes in a process, without stalling its threads (quiet.h). Any thread. */
#ifndef PROBE_DETACH_H
#define PROBE_DETACH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Descriptors; they are borrowed, and closed. */
struct detach {
	int *links;
	size_t link_count;
	int *events; /* perf events, of which each has a link */
	size_t event_count;
	int idle_program; /* for quiet_begin() */
	pid_t pid;
	bool silent; /* say nothing of how far it is */
};

void detach_close(const struct detach *d);

#endif /* PROBE_DETACH_H */
