/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rings through which events come, a ring buffer and slots for each CPU. They share one total, so that machines with many CPUs do not
 * pay for each of them. Any thread; the loader owns them.
 */
#ifndef PROBE_RINGS_H
#define PROBE_RINGS_H

#include <stdbool.h>
#include <stddef.h>

struct rings {
	int *fds;
	size_t count;	   /* CPUs */
	size_t bytes;	   /* of the buffer of each */
	size_t slot_count; /* of each */
};

/* total: of all buffers, 0: as many as is good. 0 or -errno; rings_done() in any case. */
int rings_make(struct rings *r, size_t total);
void rings_done(struct rings *r);
/* Puts the buffers into this array of maps. 0 or -errno. */
int rings_put(const struct rings *r, int map_fd);
/* They can fill between two polls: the kernel side wakes the consumer. */
bool rings_are_small(const struct rings *r);
/* Memory of all of them. */
size_t rings_memory(const struct rings *r);
/* The same, before they are made, for the usual total and so many CPUs. */
size_t rings_planned(size_t cpus);

#endif /* PROBE_RINGS_H */
